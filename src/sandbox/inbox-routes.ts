import { type Static, Type } from 'typebox'
import type { PartnerDirectory } from '#partners'
import { AppError } from '#platform/app-error'
import type { DatabasePool } from '#platform/database'
import type { HttpServer, Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { documentedSubscribers } from './documented-subscribers.ts'
import { SandboxHandset, SandboxMessage, SandboxMessageQuery, SandboxSubscriber } from './schema.ts'
import { listMessages, type Message } from './store.ts'
import type { SandboxTables } from './tables.ts'

/** Which applications a partner has. */
export type ApplicationOwners = Pick<PartnerDirectory, 'applicationsOf'>
/** The address of the virtual handset for a partner. */
export type HandsetLink = (partnerId: string) => string

const SandboxMessageList = listOf(SandboxMessage)
const SandboxSubscriberList = listOf(SandboxSubscriber)
const Page = Type.Object(PageQuery.properties, { additionalProperties: false })

export function inboxRoutes(
  database: DatabasePool,
  { partners, handsetLink }: { partners: ApplicationOwners; handsetLink: HandsetLink },
): Routes {
  return (server) => {
    messageRoute(server, database, partners)
    subscriberRoute(server)
    handsetRoute(server, handsetLink)
  }
}

function handsetRoute(server: HttpServer, handsetLink: HandsetLink): void {
  server.post(
    '/sandbox/handset',
    {
      config: { access: 'sandbox.use' },
      schema: {
        operationId: 'openSandboxHandset',
        summary:
          'An address of the virtual handset that shows what reached it because of your applications',
        description: 'Open it in a browser within two minutes.',
        tags: ['Sandbox'],
        response: { 200: SandboxHandset },
      },
    },
    async ({ actor }, reply): Promise<SandboxHandset> => {
      if (actor.kind !== 'partner') throw new AppError('NOT_FOUND', 'There is no such handset.')
      reply.header('cache-control', 'no-store')
      return { url: handsetLink(actor.partnerId) }
    },
  )
}

function messageRoute(
  server: HttpServer,
  database: DatabasePool,
  partners: ApplicationOwners,
): void {
  const db = database.as<SandboxTables>()
  server.post(
    '/sandbox/messages/retrieve',
    {
      config: { access: 'sandbox-message.read' },
      schema: {
        operationId: 'retrieveSandboxMessages',
        summary: 'The messages that reached simulated handsets, newest first',
        tags: ['Sandbox'],
        querystring: Page,
        body: SandboxMessageQuery,
        response: { 200: SandboxMessageList },
      },
    },
    async (request, reply): Promise<Static<typeof SandboxMessageList>> => {
      const { actor, body, query } = request
      const own = actor.kind === 'partner' ? await partners.applicationsOf(actor.partnerId) : []
      const applicationIds = own
        .map(({ id }) => id)
        .filter((id) => body.applicationId === undefined || body.applicationId === id)
      if (body.applicationId !== undefined && applicationIds.length === 0) {
        throw new AppError('NOT_FOUND', 'There is no such application.')
      }
      const { items, total } = await listMessages(
        db,
        { applicationIds, phoneNumber: body.phoneNumber },
        { limit: query.perPage, offset: offsetOf(query) },
      )
      reply.header('cache-control', 'no-store')
      return paginate(items.map(presentMessage), total, query)
    },
  )
}

function subscriberRoute(server: HttpServer): void {
  const subscribers = documentedSubscribers()
  server.get(
    '/sandbox/subscribers',
    {
      config: { access: 'public' },
      schema: {
        operationId: 'listSandboxSubscribers',
        summary: 'The numbers of the sandbox and what they stand for',
        tags: ['Sandbox'],
        querystring: Page,
        response: { 200: SandboxSubscriberList },
      },
    },
    async (request): Promise<Static<typeof SandboxSubscriberList>> => {
      const { query } = request
      const first = offsetOf(query)
      return paginate(subscribers.slice(first, first + query.perPage), subscribers.length, query)
    },
  )
}

const presentMessage = (message: Message): SandboxMessage => ({
  id: message.id,
  applicationId: message.applicationId,
  phoneNumber: message.phoneNumber,
  text: message.text,
  receivedAt: message.receivedAt.toISOString(),
})
