import type { FastifyRequest } from 'fastify'
import { AppError } from '#platform/app-error'
import type { Attempts } from '#platform/attempts'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { networkOf } from '#platform/network'
import type { CatalogView } from './api-directory.ts'
import type { PortalNeeds } from './portal-needs.ts'
import { type Caller, runTryIt } from './run-try-it.ts'
import { TryIt, TryItResult } from './schema.ts'

type Deps = {
  directory: () => Promise<CatalogView>
  partners: PortalNeeds['partners']
  attempts: Attempts
}

/** A visitor gets to know the APIs with these; a member has the limits of its own contract beside. */
const guestLimit = { name: 'try-it-guest', limit: 20, windowSeconds: 900 }
const memberLimit = { name: 'try-it-member', limit: 300, windowSeconds: 900 }

export function tryItRoutes(platform: Platform, deps: Deps): Routes {
  const { config } = platform
  return (server) => {
    server.post(
      '/management/v1/try-it',
      {
        bodyLimit: 65_536,
        config: { access: 'public' },
        schema: {
          operationId: 'tryOperation',
          summary: 'Run one operation in the sandbox, token step included',
          tags: ['Portal'],
          body: TryIt,
          response: { 200: TryItResult },
        },
      },
      async (request, reply) => {
        const caller = await callerOf(request, platform, deps)
        const { apiId, operationId } = request.body
        const api = (await deps.directory()).apis.find((a) => a.id === apiId)
        const operation = api?.operations.find((o) => o.operationId === operationId)
        if (api === undefined || operation === undefined)
          throw new AppError('NOT_FOUND', 'There is no such operation.')
        reply.header('cache-control', 'no-store')
        return await runTryIt(config, caller, api, operation, {
          ...request.body,
          correlator: request.body.correlator ?? request.id,
        })
      },
    )
  }
}

/** @throws AppError NOT_FOUND for an application that is not the reader's own, or not of the sandbox */
async function callerOf(
  request: FastifyRequest<{ Body: TryIt }>,
  { sealing }: Platform,
  { partners, attempts }: Deps,
): Promise<Caller> {
  const { actor } = request
  const { applicationId } = request.body
  if (applicationId === undefined) {
    // Counted without keeping the address.
    if (actor.kind === 'anonymous')
      await attempts.take(guestLimit, sealing.keyedHash('attempt', networkOf(request.ip)))
    else await attempts.take(memberLimit, actor.id)
    const guest = await partners.guestApplication()
    return {
      as: 'guest',
      clientId: guest.clientId,
      assertion: (audience) => partners.explorerAssertion(guest.id, audience),
    }
  }
  const application =
    actor.kind === 'partner' ? await partners.getApplication(applicationId) : undefined
  if (
    actor.kind !== 'partner' ||
    application?.partnerId !== actor.partnerId ||
    application.environment !== 'sandbox'
  )
    throw new AppError('NOT_FOUND', 'There is no such application.')
  await attempts.take(memberLimit, actor.id)
  return {
    as: 'application',
    clientId: application.clientId,
    assertion: (audience) => partners.explorerAssertion(application.id, audience),
  }
}
