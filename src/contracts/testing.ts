import type { FastifyPluginAsync } from 'fastify'
import { sql } from 'kysely'
import type { Actor } from '#audit'
import { refuseByRole } from '#identity/testing'
import { manualClock } from '#platform/clock'
import type { Environment } from '#platform/config'
import { createHttpServer } from '#platform/http-server'
import type { Platform } from '#platform/module'
import type { OutboxEvent } from '#platform/outbox'
import { testPlatform } from '#platform/testing'
import { type Contracts, createContracts } from './create-contracts.ts'
import type { PublishedApi } from './needs.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** What the modules before this one would answer; a test changes it as it goes. @public */
export type Surroundings = {
  apis: PublishedApi[]
  applications: { id: string; partnerId: string; environment: Environment }[]
  verified: Set<string>
  /** that responses have */
  fields: string[]
}

/** @public */
export async function testContracts(t: TestContext) {
  const clock = manualClock('2026-03-01T12:00:00Z')
  const platform = await testPlatform(t, { clock })
  const world: Surroundings = {
    apis: [
      { apiId: 'sim-swap/v2', scopes: ['sim-swap:check', 'sim-swap'], prices: {}, plans: [] },
      { apiId: 'otp/v1', scopes: ['otp:send'], prices: { paid: '0.05' }, plans: ['paid'] },
    ],
    applications: [
      { id: 'app_s1', partnerId: 'prt_1', environment: 'sandbox' },
      { id: 'app_p1', partnerId: 'prt_1', environment: 'production' },
      { id: 'app_p2', partnerId: 'prt_2', environment: 'production' },
    ],
    verified: new Set(),
    fields: ['device.phoneNumber', 'area'],
  }
  const contracts = createContracts(platform, {
    catalog: {
      publishedApis: async () => world.apis,
      maskFaults: async (masks) =>
        masks.map(({ apiId, field }) => {
          if (apiId !== '*' && !world.apis.some((api) => api.apiId === apiId))
            return { at: 'apiId', message: 'is not published in the catalog' }
          return world.fields.includes(field)
            ? undefined
            : { at: 'field', message: 'is not in the response' }
        }),
    },
    partners: {
      getApplication: async (id) => world.applications.find((app) => app.id === id),
      holdApplication: async (_trx, id) => world.applications.find((app) => app.id === id),
      applicationsOf: async (partnerId) =>
        world.applications.filter((app) => app.partnerId === partnerId),
    },
    identity: { hasVerifiedMember: async (partnerId) => world.verified.has(partnerId) },
  })
  await contracts.prepare()
  return { platform, clock, world, contracts, tell: teller(platform, contracts) }
}

/** Hands an event to the module as the dispatcher does, in a transaction of its own. */
const teller =
  (platform: Platform, contracts: Contracts) =>
  async (type: string, payload: object): Promise<void> => {
    const id = platform.newId('event')
    const event: OutboxEvent = {
      id,
      type,
      key: id,
      rootId: id,
      payload,
      occurredAt: platform.clock.now(),
    }
    for (const subscriber of contracts.subscribers) {
      await platform.database
        .as<unknown>()
        .transaction()
        .execute((trx) => subscriber.handle(trx, event))
    }
  }

/** The events of a type that were emitted so far, oldest first. @public */
export async function emitted(platform: Platform, type: string): Promise<OutboxEvent['payload'][]> {
  const { rows } = await sql<{ payload: unknown }>`
    select payload from platform.outbox where type = ${type} order by position`.execute(
    platform.database.as<unknown>(),
  )
  return rows.map((row) => row.payload)
}

/** @public */
export const member = (
  partnerId: string,
  role: 'owner' | 'developer' | 'finance' | 'viewer' = 'owner',
): Actor => ({
  kind: 'partner',
  id: `mem_${partnerId}_${role}`,
  name: 'Ada',
  partnerId,
  role,
  via: 'session',
})

/** @public */
export const staff = (role: 'administrator' | 'engineer' | 'auditor' = 'administrator'): Actor => ({
  kind: 'operator',
  id: 'stf_1',
  name: 'Op',
  role,
  via: 'token',
})

/** Serves routes as the composition does, for whoever `as` names. @public */
export async function served(
  t: TestContext,
  platform: Platform,
  routes: (server: ReturnType<typeof createHttpServer>) => void | Promise<void>,
) {
  const server = createHttpServer({ log: platform.log })
  let current: Actor = { kind: 'anonymous' }
  server.decorateRequest('actor')
  server.addHook('onRequest', async (request) => {
    request.actor = current
    refuseByRole(request)
  })
  const mount: FastifyPluginAsync = async (scope) => {
    await routes(scope as unknown as typeof server)
  }
  await server.register(mount, { prefix: '/management/v1' })
  t.after(() => server.close())
  return async (
    as: Actor,
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: object,
  ) => {
    current = as
    const answer = await server.inject({
      method,
      url: `/management/v1${path}`,
      ...(body !== undefined && { payload: body }),
    })
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: answer.body === '' ? undefined : answer.json(),
    }
  }
}
