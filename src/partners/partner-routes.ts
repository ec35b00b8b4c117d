import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { type Actor, recordAction } from '#audit'
import {
  checkForm,
  type Identity,
  NewRegistration,
  type Permission,
  requirePermission,
} from '#identity'
import { AppError } from '#platform/app-error'
import type { HttpServer, Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import type { Platform } from '#platform/module'
import type { SettingsChecks } from './change-settings.ts'
import { createApplication } from './create-application.ts'
import { endApplication } from './end-applications.ts'
import { presentApplication, presentCredential, presentPartner } from './presented.ts'
import { registerPartner } from './register-partner.ts'
import { addCredential, noSuchApplication, removeCredential } from './rotate-credentials.ts'
import {
  Application,
  ApplicationChange,
  Credential,
  type FirstCall,
  NewApplication,
  NewCredential,
  NewCredentialResult,
  Partner,
  Registration,
  type Requirement,
} from './schema.ts'
import {
  type ApplicationRecord,
  findApplication,
  findPartner,
  listCredentials,
  pageOfApplications,
  renameApplication,
} from './store.ts'
import type { PartnerTables } from './tables.ts'

export type PartnerRouteDeps = {
  identity: Identity
  /** what production needs of a partner, and whether it is there */
  requirementsOf: (partnerId: string) => Promise<Requirement[]>
  firstCall: (credentials: { clientId: string; clientSecret: string }) => Promise<FirstCall>
  /** what the catalog knows of purposes and scopes */
  purposes: Pick<SettingsChecks, 'isPurpose' | 'basisOf'>
}

const tags = ['Partners']
const Params = Type.Object({ applicationId: Type.String({ maxLength: 64 }) })
const settleMs = 700

export function partnerRoutes(platform: Platform, deps: PartnerRouteDeps): Routes {
  return (server) => {
    registrationRoute(server, platform, deps)
    partnerRoute(server, platform, deps)
    applicationRoutes(server, platform, deps)
    credentialRoutes(server, platform)
  }
}

function registrationRoute(server: HttpServer, platform: Platform, deps: PartnerRouteDeps): void {
  server.post(
    '/registrations',
    {
      config: { access: 'public' },
      attachValidation: true,
      preHandler: checkForm,
      schema: {
        operationId: 'createRegistration',
        summary: 'Sign up: a partner, its owner, a sandbox application and a first secret',
        tags,
        body: NewRegistration,
        response: { 201: Registration },
      },
    },
    async (request, reply) => {
      await deps.identity.limitSignUp(request)
      const { partnerId, memberId, application } = await registerPartner(
        platform,
        deps.identity,
        request.body,
      )
      await deps.identity.startSession(reply, memberId)
      const credentials = { clientId: application.clientId, clientSecret: application.clientSecret }
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({
          partner: { id: partnerId },
          member: { id: memberId },
          application: { id: application.id, environment: 'sandbox' as const },
          credentials,
          firstCall: await deps.firstCall(credentials),
        })
    },
  )
}

function partnerRoute(server: HttpServer, platform: Platform, deps: PartnerRouteDeps): void {
  server.get(
    '/partners/:partnerId',
    {
      config: { access: 'partner.read' },
      schema: {
        operationId: 'getPartner',
        summary: 'A partner, and what production still needs of it',
        tags,
        params: Type.Object({ partnerId: Type.String({ maxLength: 64 }) }),
        response: { 200: Partner },
      },
    },
    async (request) => {
      const { partnerId } = request.params
      const record = maySee(request.actor, partnerId)
        ? await findPartner(platform.database.as<PartnerTables>(), partnerId)
        : undefined
      if (record === undefined) throw new AppError('NOT_FOUND', 'There is no such partner.')
      return presentPartner(record, await deps.requirementsOf(partnerId))
    },
  )
}

function applicationRoutes(server: HttpServer, platform: Platform, deps: PartnerRouteDeps): void {
  const db = platform.database.as<PartnerTables>()
  server.get(
    '/applications',
    {
      config: { access: 'application.read' },
      schema: {
        operationId: 'listApplications',
        summary: 'The applications of a partner',
        tags,
        querystring: Type.Intersect([
          PageQuery,
          Type.Object({ partnerId: Type.Optional(Type.String()) }),
        ]),
        response: { 200: listOf(Application) },
      },
    },
    async (request) => {
      const partnerId = partnerOf(request.actor, request.query.partnerId)
      // Another partner's applications are a list of nothing, as those of a partner that does not exist.
      if (!maySee(request.actor, partnerId)) return paginate([], 0, request.query)
      const page = { limit: request.query.perPage, offset: offsetOf(request.query) }
      const { items, total } = await pageOfApplications(db, partnerId, page)
      return paginate(items.map(presentApplication), total, request.query)
    },
  )
  server.post(
    '/applications',
    {
      config: { access: 'application.change' },
      schema: {
        operationId: 'createApplication',
        summary: 'A further application with its first secret, which is shown once',
        tags,
        body: NewApplication,
        response: {
          201: Type.Intersect([Application, Type.Object({ credentials: NewCredentialResult })]),
        },
      },
    },
    async (request, reply) => {
      const partnerId = partnerOf(request.actor, request.body.partnerId)
      const partner = maySee(request.actor, partnerId)
        ? await findPartner(db, partnerId)
        : undefined
      if (partner === undefined) throw new AppError('NOT_FOUND', 'There is no such partner.')
      if (request.body.environment === 'production') {
        requirePermission(request, 'production-application.change')
        await requireProduction(deps, partnerId)
      }
      const { actor } = request
      const { name, environment } = request.body
      const created = await db
        .transaction()
        .execute((trx) => createApplication(platform, trx, { partnerId, name, environment, actor }))
      await platform.outbox.settled([created.rootId], settleMs)
      const record = await requireApplication(db, request, created.id)
      const credential = (await listCredentials(db, created.id))[0]
      if (credential === undefined) throw noSuchApplication()
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({
          ...presentApplication(record),
          credentials: {
            ...presentCredential(credential),
            clientId: created.clientId,
            clientSecret: created.clientSecret,
          },
        })
    },
  )
  server.get(
    '/applications/:applicationId',
    {
      config: { access: 'application.read' },
      schema: {
        operationId: 'getApplication',
        summary: 'One application',
        tags,
        params: Params,
        response: { 200: Application },
      },
    },
    async (request) =>
      presentApplication(await requireApplication(db, request, request.params.applicationId)),
  )
  server.patch(
    '/applications/:applicationId',
    {
      config: { access: 'application.change' },
      schema: {
        operationId: 'renameApplication',
        summary: 'Another name for an application',
        tags,
        params: Params,
        body: ApplicationChange,
        response: { 200: Application },
      },
    },
    async (request) => {
      const record = await requireApplication(db, request, request.params.applicationId)
      await db.transaction().execute(async (trx) => {
        await renameApplication(trx, record.id, request.body.name)
        await recordAction(platform.outbox, trx, {
          actor: request.actor,
          action: 'application.renamed',
          target: record.id,
          partnerId: record.partnerId,
        })
      })
      return presentApplication({ ...record, name: request.body.name })
    },
  )
  server.delete(
    '/applications/:applicationId',
    {
      config: { access: 'application.change' },
      schema: {
        operationId: 'deleteApplication',
        summary: 'End an application, its credentials and their tokens',
        tags,
        params: Params,
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const record = await requireApplication(db, request, request.params.applicationId)
      forProduction(request, record, 'production-application.change')
      const { actor } = request
      const root = await db
        .transaction()
        .execute((trx) => endApplication(platform, trx, record, { actor }))
      if (root === undefined) throw noSuchApplication()
      await platform.outbox.settled([root], settleMs)
      return reply.code(204).send(null)
    },
  )
}

function credentialRoutes(server: HttpServer, platform: Platform): void {
  const db = platform.database.as<PartnerTables>()
  server.get(
    '/applications/:applicationId/credentials',
    {
      config: { access: 'credential.read' },
      schema: {
        operationId: 'listCredentials',
        summary: 'The credentials that are alive; a secret is never shown again',
        tags,
        params: Params,
        querystring: PageQuery,
        response: { 200: listOf(Credential) },
      },
    },
    async (request) => {
      const record = await requireApplication(db, request, request.params.applicationId)
      const all = await listCredentials(db, record.id)
      const { page, perPage } = request.query
      return paginate(
        all.slice((page - 1) * perPage, page * perPage).map(presentCredential),
        all.length,
        request.query,
      )
    },
  )
  server.post(
    '/applications/:applicationId/credentials',
    {
      config: { access: 'credential.change' },
      schema: {
        operationId: 'createCredential',
        summary:
          'A further secret, API key, public key or client certificate beside those that live',
        tags,
        params: Params,
        body: NewCredential,
        response: { 201: NewCredentialResult },
      },
    },
    async (request, reply) => {
      const record = await requireApplication(db, request, request.params.applicationId)
      forProduction(request, record, 'production-credential.change')
      const { credential, shown } = await addCredential(
        platform,
        record,
        request.body,
        request.actor,
      )
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send({
          ...presentCredential(credential),
          clientId: record.clientId,
          ...shown,
        })
    },
  )
  server.delete(
    '/applications/:applicationId/credentials/:credentialId',
    {
      config: { access: 'credential.change' },
      schema: {
        operationId: 'deleteCredential',
        summary: 'End a credential and the tokens that were issued with it',
        tags,
        params: Type.Intersect([
          Params,
          Type.Object({ credentialId: Type.String({ maxLength: 64 }) }),
        ]),
        response: { 204: Type.Null() },
      },
    },
    async (request, reply) => {
      const record = await requireApplication(db, request, request.params.applicationId)
      forProduction(request, record, 'production-credential.change')
      await removeCredential(platform, record, request.params.credentialId, request.actor)
      return reply.code(204).send(null)
    },
  )
}

/** What calls in production depend on needs more than the same in the sandbox, which is for trying out. */
function forProduction(
  request: FastifyRequest,
  { environment }: ApplicationRecord,
  permission: Permission,
): void {
  if (environment === 'production') requirePermission(request, permission)
}

/** The partner that a request is about: a partner's own, or the one that an operator names. */
function partnerOf(actor: Actor, named: string | undefined): string {
  if (actor.kind === 'partner') return named ?? actor.partnerId
  if (named === undefined) {
    throw new AppError('INVALID_ARGUMENT', 'An operator names the partner: partnerId is required.')
  }
  return named
}

const maySee = (actor: Actor, partnerId: string): boolean =>
  actor.kind === 'operator' ||
  actor.kind === 'system' ||
  (actor.kind === 'partner' && actor.partnerId === partnerId)

/** An application of another partner answers exactly like one that does not exist. */
async function requireApplication(
  db: Parameters<typeof findApplication>[0],
  request: FastifyRequest,
  id: string,
): Promise<ApplicationRecord> {
  const record = await findApplication(db, id)
  if (record === undefined || !maySee(request.actor, record.partnerId)) throw noSuchApplication()
  return record
}

async function requireProduction(deps: PartnerRouteDeps, partnerId: string): Promise<void> {
  const missing = (await deps.requirementsOf(partnerId)).filter((requirement) => !requirement.done)
  if (missing.length === 0) return
  throw new AppError(
    'INCOMPATIBLE_STATE',
    `Before production: ${missing.map((m) => m.title.toLowerCase()).join('; ')}.`,
    { violations: missing.map((m) => ({ path: m.id, message: m.title })) },
  )
}
