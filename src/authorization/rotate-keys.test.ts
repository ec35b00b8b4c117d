import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import type { Environment } from '#platform/config'
import { testPlatform } from '#platform/testing'
import { machineClock } from '#platform/testing-clock'
import { createAuthorizationServer } from './authorization-server.ts'
import { createAuthorization } from './create-authorization.ts'
import {
  basic,
  pkce,
  sandboxId,
  sandboxSecret,
  testClients,
  testServers,
  testSettings,
} from './testing.ts'

const operator = { kind: 'system', id: 'test' } as const
const grant = { grant_type: 'client_credentials', scope: 'sim-swap:check' }

const kidsOf = async (
  authorization: ReturnType<typeof createAuthorization>,
  environment: Environment,
) => (await authorization.keyEntries(environment)).map(({ id }) => id)

test('makes the first keys once, however many processes start at the same moment', async (t) => {
  const { platform } = await testServers(t, { count: 5 })
  const { rows } = await platform.database.pool.query(
    'select environment, state, count(*) as n from "authorization".signing_key group by 1, 2 order by 1, 2',
  )
  assert.deepEqual(rows, [
    { environment: 'production', state: 'current', n: 1 },
    { environment: 'production', state: 'next', n: 1 },
    { environment: 'sandbox', state: 'current', n: 1 },
    { environment: 'sandbox', state: 'next', n: 1 },
  ])
  const events = await platform.database.pool.query(
    `select key from platform.outbox where type = 'signing-key.changed' order by key`,
  )
  assert.deepEqual(events.rows, [{ key: 'production' }, { key: 'sandbox' }])
})

test('rotates while calls run: none fails, every token verifies, both servers follow within a second', async (t) => {
  const { platform, servers, post } = await testServers(t)
  const now = await machineClock()
  const authorization = createAuthorization(platform)
  const [first, second] = await kidsOf(authorization, 'sandbox')
  const live = await kidsOf(authorization, 'production')
  let running = true
  const kidsSeen = new Set<string | undefined>()
  const calls = Array.from({ length: 4 }, async () => {
    while (running) {
      // What a verifier held before the call must do, except that it follows the feed as a gateway does.
      const answer = await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
      assert.equal(answer.status, 200, JSON.stringify(answer.body))
      const token = String(answer.body.access_token)
      const keys = (await authorization.keyEntries('sandbox')).map(({ jwk }) => jwk)
      await jwtVerify(token, createLocalJWKSet({ keys }))
      kidsSeen.add(decodeProtectedHeader(token).kid)
    }
  })
  const signing = await authorization.rotateKeys('sandbox', operator)
  assert.ok([first, second].includes(signing), 'the next key was published before it signs')
  const follows = async (port: number): Promise<boolean> => {
    const jwks = (await (await fetch(`http://127.0.0.1:${port}/sandbox/jwks`)).json()) as {
      keys: { kid: string; d?: string }[]
    }
    assert.ok(jwks.keys.every((key) => key.d === undefined))
    return jwks.keys.length === 3
  }
  const startedAt = now()
  for (const server of servers) {
    while (!(await follows(server.port()))) {
      assert.ok(now() - startedAt < 1_000, 'a server did not follow within a second')
    }
  }
  running = false
  await Promise.all(calls)
  const after = await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  assert.equal(decodeProtectedHeader(String(after.body.access_token)).kid, signing)
  assert.equal(kidsSeen.has(undefined), false)
  assert.deepEqual(await kidsOf(authorization, 'production'), live)
})

test('a request that is open over rotations is finished, and every token until then verifies for its whole life', async (t) => {
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead) }
  const { platform, servers, clients, post, issuer } = await testServers(t, {
    subscribers: true,
    clock,
  })
  const callback = 'https://app.example/callback'
  const purpose = 'dpv:FraudPreventionAndDetection'
  clients.set(sandboxId, {
    settings: {
      ...testSettings,
      redirectUris: [callback],
      refreshTokens: true,
      grants: [
        { grantType: 'client_credentials', scopes: '*' },
        { grantType: 'authorization_code', purpose, scopes: '*' },
      ],
    },
  })
  const own = basic(sandboxId, sandboxSecret)
  const authorization = createAuthorization({ ...platform, clock })
  const rotate = async (): Promise<string> => {
    const kid = await authorization.rotateKeys('sandbox', operator)
    const until = performance.now() + 30_000
    for (;;) {
      const form = { grant_type: 'client_credentials', scope: 'sim-swap:check' }
      const asked = await Promise.all(servers.map(() => post('/sandbox/token', form, own)))
      const kids = asked.map(({ body }) => decodeProtectedHeader(String(body.access_token)).kid)
      if (kids.every((one) => one === kid)) return kid
      assert.ok(performance.now() < until, 'the servers did not follow')
    }
  }
  const signedBy = ({ body }: { body: Record<string, unknown> }, name = 'access_token') =>
    decodeProtectedHeader(String(body[name])).kid
  const verifies = async (token: unknown): Promise<void> => {
    const keys = (await authorization.keyEntries('sandbox')).map(({ jwk }) => jwk)
    await jwtVerify(String(token), createLocalJWKSet({ keys }), { currentDate: clock.now() })
  }
  const scope = `openid offline_access ${purpose} sim-swap:check`
  const { verifier, challenge } = pkce()
  const request = {
    ...{ client_id: sandboxId, response_type: 'code', redirect_uri: callback, scope },
    ...{ code_challenge: challenge, code_challenge_method: 'S256' },
  }
  const pushed = await post('/sandbox/par', request, own)
  const first = await rotate()
  const query = new URLSearchParams({
    client_id: sandboxId,
    request_uri: String(pushed.body.request_uri),
  })
  const visited = await fetch(
    `http://127.0.0.1:${servers[0]?.port()}/sandbox/authorize?${query.toString()}`,
    { redirect: 'manual' },
  )
  const code = new URL(visited.headers.get('location') ?? '').searchParams.get('code') ?? ''
  const second = await rotate()
  const form = { grant_type: 'authorization_code', code, redirect_uri: callback }
  const tokens = await post('/sandbox/token', { ...form, code_verifier: verifier }, own)
  assert.equal(tokens.status, 200, JSON.stringify(tokens.body))
  assert.deepEqual([signedBy(tokens), signedBy(tokens, 'id_token')], [second, second])
  assert.notEqual(first, second)
  const third = await rotate()
  const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens.body.refresh_token) }
  const refreshed = await post('/sandbox/token', refresh, own)
  assert.equal(signedBy(refreshed), third)
  // The former key is forgotten no sooner than the last token that it signed.
  const { exp = 0 } = decodeJwt(String(tokens.body.access_token))
  ahead = exp * 1_000 - Date.now() - 1_000
  await authorization.maintain()
  await verifies(tokens.body.access_token)
  await verifies(refreshed.body.access_token)
  const introspected = await post(
    '/sandbox/introspect',
    { token: String(tokens.body.access_token) },
    own,
  )
  assert.equal(introspected.body.active, true, JSON.stringify(introspected.body))
  assert.equal(decodeJwt(String(tokens.body.id_token)).iss, issuer('sandbox'))
})

test('rotations at the same moment follow one another, each in the outbox and in the audit', async (t) => {
  const platform = await testPlatform(t)
  const authorization = createAuthorization(platform)
  await authorization.keyEntries('sandbox')
  const kids = await Promise.all(
    Array.from({ length: 5 }, () => authorization.rotateKeys('sandbox', operator)),
  )
  assert.equal(new Set(kids).size, 5)
  assert.equal((await kidsOf(authorization, 'sandbox')).length, 7)
  const { rows } = await platform.database.pool.query(
    `select type, count(*) as n from platform.outbox group by type order by type`,
  )
  assert.deepEqual(rows, [
    { type: 'audit.action', n: 5 },
    { type: 'signing-key.changed', n: 6 },
  ])
})

test('forgets the private half when a key stops signing, and the key when its last token has expired', async (t) => {
  const platform = await testPlatform(t)
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead) }
  const authorization = createAuthorization({ ...platform, clock })
  await authorization.keyEntries('sandbox')
  await authorization.rotateKeys('sandbox', operator)
  const states = async () => {
    const { rows } = await platform.database.pool.query(
      `select state, sealed_private_jwk is not null as private from "authorization".signing_key
       where environment = 'sandbox' order by state`,
    )
    return rows.map((row) => `${row.state} ${row.private}`)
  }
  assert.deepEqual(await states(), ['current true', 'next true', 'previous false'])
  ahead = 890_000
  await authorization.maintain()
  assert.equal((await authorization.keyEntries('sandbox')).length, 3)
  ahead = 910_000
  await authorization.maintain()
  assert.equal((await authorization.keyEntries('sandbox')).length, 2)
  assert.deepEqual(await states(), ['current true', 'next true', 'retired false'])
})

test('rotates a key that has signed for 90 days, once however many jobs run', async (t) => {
  const platform = await testPlatform(t)
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead) }
  const authorization = createAuthorization({ ...platform, clock })
  const [current, next] = await kidsOf(authorization, 'sandbox')
  ahead = 89 * 86_400_000
  await authorization.maintain()
  assert.deepEqual(await kidsOf(authorization, 'sandbox'), [current, next])
  ahead = 91 * 86_400_000
  await Promise.all([authorization.maintain(), authorization.maintain(), authorization.maintain()])
  assert.equal((await kidsOf(authorization, 'sandbox')).length, 3)
})

test('stores a private key only sealed, and does not open it with another master key', async (t) => {
  const platform = await testPlatform(t)
  await createAuthorization(platform).keyEntries('sandbox')
  const { rows } = await platform.database.pool.query(
    'select public_jwk, sealed_private_jwk from "authorization".signing_key',
  )
  for (const row of rows) {
    assert.equal('d' in row.public_jwk, false)
    assert.match(row.sealed_private_jwk, /^v\d\./)
  }
  const { createSealing } = await import('#platform/sealing')
  const clients = testClients((secret) => secret)
  const server = createAuthorizationServer({
    platform: { ...platform, sealing: createSealing(Buffer.alloc(32, 7)) },
    partners: clients,
    contracts: clients,
    port: 0,
  })
  await assert.rejects(server.start(), /master key .* is not the one that sealed it/)
})

test('answers 503 while the database is away, and issues again when it is back', async (t) => {
  const { clients, post } = await testServers(t, { count: 1 })
  const find = clients.findClient.bind(clients)
  clients.findClient = () =>
    Promise.reject(Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' }))
  const away = await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  assert.equal(away.status, 503)
  assert.equal(away.body.error, 'temporarily_unavailable')
  assert.ok(away.headers['retry-after'])
  clients.findClient = () => Promise.reject(new Error('a fault at /srv/secret/path'))
  const fault = await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  assert.equal(fault.status, 500)
  assert.equal(fault.body.error, 'server_error')
  assert.doesNotMatch(JSON.stringify(fault.body), /secret\/path/)
  clients.findClient = find
  assert.equal((await post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))).status, 200)
})

test('finishes the requests under way when it stops, and takes no more', async (t) => {
  const { clients, servers, post } = await testServers(t, { count: 1 })
  const find = clients.findClient.bind(clients)
  const asked = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  clients.findClient = async (id, environment) => {
    asked.resolve()
    await goOn.promise
    return find(id, environment)
  }
  const underWay = post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  await asked.promise
  const stopped = servers[0]?.stop()
  assert.equal(servers[0]?.ready(), false)
  await assert.rejects(post('/sandbox/token', grant, basic(sandboxId, sandboxSecret)))
  goOn.resolve()
  assert.equal((await underWay).status, 200)
  await stopped
})

test('takes 500 token requests at once and tells the next to come again', async (t) => {
  const { clients, post } = await testServers(t, { count: 1 })
  const find = clients.findClient.bind(clients)
  const full = Promise.withResolvers<void>()
  const goOn = Promise.withResolvers<void>()
  let waiting = 0
  clients.findClient = async (id, environment) => {
    waiting += 1
    if (waiting === 500) full.resolve()
    await goOn.promise
    return find(id, environment)
  }
  const ask = () => post('/sandbox/token', grant, basic(sandboxId, sandboxSecret))
  const underWay = Array.from({ length: 500 }, ask)
  await full.promise
  const refused = await ask()
  assert.equal(refused.status, 503)
  assert.equal(refused.headers['retry-after'], '1')
  goOn.resolve()
  for (const answer of await Promise.all(underWay)) assert.equal(answer.status, 200)
  assert.equal((await ask()).status, 200)
})
