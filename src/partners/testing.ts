import type { TestContext } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import type { Actor } from '#audit'
import { createIdentity } from '#identity'
import { refuseByRole } from '#identity/testing'
import { createAttempts } from '#platform/attempts'
import { createHttpServer } from '#platform/http-server'
import { testPlatform } from '#platform/testing'
import { createPartners } from './create-partners.ts'
import type { PartnerRouteDeps } from './partner-routes.ts'
import { insertPartner } from './store.ts'
import type { PartnerTables } from './tables.ts'

export const person = (partnerId: string, role: 'owner' | 'viewer' = 'owner'): Actor => ({
  kind: 'partner',
  id: `mem_${partnerId}`,
  name: 'Ada',
  partnerId,
  role,
  via: 'session',
})
export const staff = (
  role: 'administrator' | 'engineer' | 'partner-success' | 'auditor',
): Actor => ({
  kind: 'operator',
  id: 'stf_1',
  name: 'Grace',
  role,
  via: 'session',
})

const fraud = 'dpv:FraudPreventionAndDetection'

/** Two purposes and three scopes, one of which is for fraud prevention alone. */
const testPurposes: PartnerRouteDeps['purposes'] = {
  isPurpose: (text) => [fraud, 'dpv:RequestedServiceProvision'].includes(text),
  async basisOf(_environment, scope, purpose) {
    if (scope === 'sim-swap:check')
      return purpose === undefined || purpose === fraud ? 'legitimate-interest' : 'not-allowed'
    return /^location-verification:verify$|^number-verification:verify$/.test(scope)
      ? 'consent'
      : undefined
  },
}

/** `stale`: it has not proved for a while to be there */
type Caller = Actor & { stale?: boolean }

/** Two partners, and the routes for whoever asks. */
export async function partnersUnderTest(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
) {
  const platform = await testPlatform(t, { env })
  const partners = createPartners(platform, {
    identity: createIdentity(platform, {
      attempts: createAttempts(platform.database),
      mail: { send: async () => undefined },
      isSuspended: async () => false,
    }),
    requirementsOf: async () => [],
    firstCall: async () => ({ tokenUrl: '', url: '', curl: '' }),
    purposes: testPurposes,
  })
  const db = platform.database.as<PartnerTables>()
  for (const id of ['prt_1', 'prt_2'])
    await insertPartner(db, { id, name: id, kind: 'organisation', createdAt: new Date() })
  const server = createHttpServer({ log: platform.log })
  server.decorateRequest('actor')
  server.decorateRequest('session')
  server.addHook('onRequest', async (request) => {
    const caller = JSON.parse(String(request.headers['x-as'])) as Caller
    request.actor = caller
    request.session = {
      id: 'ses_1',
      methods: ['password'],
      providerOwner: undefined,
      signOutUrl: undefined,
      freshUntil: caller.stale === true ? undefined : new Date(),
    }
    refuseByRole(request)
  })
  const mount: FastifyPluginAsync = async (scope) => {
    await partners.routes(scope as unknown as typeof server)
  }
  await server.register(mount)
  t.after(() => server.close())
  const call = async (
    as: Caller,
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    payload?: object,
  ) => {
    const answer = await server.inject({
      method,
      url,
      headers: { 'x-as': JSON.stringify(as) },
      ...(payload !== undefined && { payload }),
    })
    return { status: answer.statusCode, body: answer.body === '' ? undefined : answer.json() }
  }
  const newApplication = async (partnerId: string, environment = 'sandbox'): Promise<string> => {
    const body = { name: 'An application', environment }
    return String((await call(person(partnerId), 'POST', '/applications', body)).body.id)
  }
  return { platform, partners, call, newApplication, db }
}
