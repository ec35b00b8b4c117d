import assert from 'node:assert/strict'
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto'
import { decodeJwt, type JWTPayload, SignJWT } from 'jose'
import { request } from 'undici'
import type { ConsentDirectory } from '#consent'
import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { asRole, testDatabaseUrl, testPlatform } from '#platform/testing'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  createAuthorizationServer,
} from './authorization-server.ts'
import type { Client, ClientSource, ScopeSource } from './client-source.ts'
import { type TestWorld, testSubscribers } from './testing-subscribers.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** Applications in memory, in the shape that the module `partners` gives. */
export type TestClients = ClientSource &
  ScopeSource & {
    add(client: Partial<Client> & { clientId: string; environment: Environment }): Client
    set(clientId: string, change: Partial<Client>): void
    remove(clientId: string): void
    scopes: string[]
    lookups: number
  }

/** What an application has that set nothing, as `partners` gives it. */
export const testSettings: Client['settings'] = {
  redirectUris: [],
  authenticationMethods: [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
    'tls_client_auth',
    'self_signed_tls_client_auth',
  ],
  grants: [{ grantType: 'client_credentials', scopes: '*' }],
  refreshTokens: false,
  profile: 'standard',
  senderConstraint: 'none',
  requirePar: false,
  requireSignedRequest: false,
  certificates: [],
}

export function testClients(secretHash: (secret: string) => string): TestClients {
  const clients = new Map<string, Client>()
  return {
    scopes: ['sim-swap:check', 'sim-swap:retrieve-date', 'location-verification:verify'],
    lookups: 0,
    secretHash,
    async findClient(clientId, environment) {
      this.lookups += 1
      const client = clients.get(clientId)
      return client?.environment === environment ? client : undefined
    },
    async scopesOf() {
      return this.scopes
    },
    add(given) {
      const client: Client = {
        applicationId: `app_${given.clientId}`,
        partnerId: `prt_${given.clientId}`,
        partnerName: 'Example Bank',
        name: 'Example App',
        settings: testSettings,
        state: 'active',
        secrets: [],
        keys: [],
        ...given,
      }
      clients.set(client.clientId, client)
      return client
    },
    set(clientId, change) {
      const client = clients.get(clientId)
      if (client !== undefined) clients.set(clientId, { ...client, ...change })
    },
    remove(clientId) {
      clients.delete(clientId)
    },
  }
}

export const sandboxId = 'wl_sbx_0123456789abcdefghij'
export const sandboxSecret = `wl_sbx_sk_${'A'.repeat(43)}000000`
export const liveId = 'wl_live_0123456789abcdefghij'
export const liveSecret = `wl_live_sk_${'B'.repeat(43)}000000`

/** Two servers on one database, a client with a secret in each environment, and a caller. */
export async function testServers(
  t: TestContext,
  options: {
    count?: number
    env?: Record<string, string>
    subscribers?: boolean
    clock?: Clock
    /** of each server, such as its certificate */
    server?: Partial<AuthorizationServerOptions>
  } = {},
): Promise<{
  platform: Platform
  servers: AuthorizationServer[]
  clients: TestClients
  world: TestWorld
  consent: ConsentDirectory
  issuer: (environment: Environment) => string
  post: Post
}> {
  const servers: AuthorizationServer[] = []
  // First, because hooks run in the order of their registration and the database is dropped in one of them.
  t.after(async () => {
    await Promise.all(servers.map((server) => server.stop()))
  })
  const url = await testDatabaseUrl(t)
  const platform = await testPlatform(t, {
    url,
    ...(options.env ? { env: options.env } : {}),
    ...(options.clock ? { clock: options.clock } : {}),
  })
  const clients = testClients((secret) => platform.sealing.keyedHash('client-secret', secret))
  const hash = (secret: string) => ({
    credentialId: `crd_${secret.slice(0, 10)}`,
    hash: clients.secretHash(secret),
  })
  clients.add({ clientId: sandboxId, environment: 'sandbox', secrets: [hash(sandboxSecret)] })
  clients.add({ clientId: liveId, environment: 'production', secrets: [hash(liveSecret)] })
  const serving = await asRole(t, platform, 'authorization')
  const { world, subscribers } = testSubscribers(serving)
  for (let i = 0; i < (options.count ?? 2); i += 1) {
    const server = createAuthorizationServer({
      platform: serving,
      partners: clients,
      contracts: clients,
      port: 0,
      ...(options.subscribers === true ? { subscribers } : {}),
      ...options.server,
    })
    servers.push(server)
  }
  await Promise.all(servers.map((server) => server.start()))
  let turn = 0
  const post: Post = async (path, body, headers = {}) => {
    const server = servers[turn++ % servers.length]
    if (server === undefined) throw new Error('no server')
    const answer = await request(`http://127.0.0.1:${server.port()}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: typeof body === 'string' ? body : new URLSearchParams(body).toString(),
    })
    const text = await answer.body.text()
    return { status: answer.statusCode, headers: answer.headers, body: JSON.parse(text || '{}') }
  }
  return {
    platform,
    servers,
    clients,
    world,
    consent: subscribers.sandbox.consent,
    post,
    issuer: (environment) => `${platform.config.authorization.url}/${environment}`,
  }
}

export type Answer = {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Record<string, unknown>
}
export type Post = (
  path: string,
  body: string | Record<string, string>,
  headers?: Record<string, string>,
) => Promise<Answer>

export const basic = (id: string, secret: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

export type TestKey = { privateKey: KeyObject; jwk: Record<string, unknown>; alg: string }

export function testKey(alg: 'ES256' | 'RS256' | 'PS256', kid: string, bits = 2_048): TestKey {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: bits })
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  return { privateKey: pair.privateKey, jwk, alg }
}

/** A client assertion; a claim that is given as undefined is left out. */
export async function assertion(
  key: TestKey,
  claims: JWTPayload,
  header: Record<string, unknown> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  return await new SignJWT({ iat: now, exp: now + 60, jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg: key.alg, kid: String(key.jwk.kid), ...header })
    .sign(key.privateKey)
}

/** The fields that a client assertion authenticates by. */
export const asserted = (jws: string): Record<string, string> => ({
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: jws,
})

export const assertionForm = (jws: string, scope = 'sim-swap:check'): Record<string, string> => ({
  grant_type: 'client_credentials',
  scope,
  ...asserted(jws),
})

/** Of the access token in the answer. */
export const claimsOf = ({ status, body }: Answer): Record<string, unknown> => {
  assert.equal(status, 200, JSON.stringify(body))
  return decodeJwt(String(body.access_token))
}

export const pkce = (): { verifier: string; challenge: string } => {
  const verifier = randomBytes(32).toString('base64url')
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') }
}
