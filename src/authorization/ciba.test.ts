import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import * as library from 'openid-client'
import { request } from 'undici'
import type { Clock } from '#platform/clock'
import {
  type Answer,
  basic,
  claimsOf,
  sandboxId,
  sandboxSecret,
  testKey,
  testServers,
  testSettings,
} from './testing.ts'

const cibaGrant = 'urn:openid:params:grant-type:ciba'
const purpose = 'dpv:FraudPreventionAndDetection'
const granted = `openid ${purpose} sim-swap:check`
const consented = `openid ${purpose} location-verification:verify`
const subscriber = 'tel:+99010000001'
const otherId = 'wl_sbx_9876543210abcdefghij'

/** The real time, and then some. */
function movableClock(): Clock & { advance(seconds: number): void } {
  let offset = 0
  return {
    now: () => new Date(Date.now() + offset),
    advance: (seconds) => {
      offset += seconds * 1_000
    },
  }
}

async function cibaServers(t: Parameters<typeof testServers>[0]) {
  const clock = movableClock()
  const servers = await testServers(t, { subscribers: true, clock })
  const key = testKey('ES256', 'k1')
  const change = {
    keys: [{ credentialId: 'crd_key', jwk: key.jwk }],
    settings: {
      ...testSettings,
      refreshTokens: true,
      grants: [{ grantType: cibaGrant, purpose, scopes: '*' }],
    },
  } as const
  servers.clients.set(sandboxId, change)
  const { clientId: _, ...first } = (await servers.clients.findClient(sandboxId, 'sandbox')) ?? {}
  servers.clients.add({
    ...first,
    clientId: otherId,
    environment: 'sandbox',
    applicationId: 'app_other',
  })
  const own = basic(sandboxId, sandboxSecret)
  const ask = (form: Record<string, string>, headers = own) =>
    servers.post('/sandbox/bc-authorize', form, headers)
  const poll = (id: unknown, headers = own) =>
    servers.post('/sandbox/token', { grant_type: cibaGrant, auth_req_id: String(id) }, headers)
  /** What the subscriber does with the link of the last message. */
  const answer = async (said: 'allow' | 'refuse') => {
    const link = /https?:\S+/.exec(servers.world.sent.at(-1)?.text ?? '')?.[0] ?? ''
    const token = new URL(link).searchParams.get('t') ?? ''
    const view = await servers.consent.openCapture(token)
    assert.ok(view)
    const evidence = { method: 'sms-link', textHash: view.textHash, locale: view.notice.locale }
    await servers.consent.answerCapture(token, said, evidence)
    return view
  }
  return { ...servers, clock, key, ask, poll, answer, settings: change.settings }
}

const refused = (answer: Answer, status: number, error: string): void => {
  assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(answer.body))
  assert.equal(/9901000|crd_|cns_/.test(JSON.stringify(answer.body)), false)
}

/** openid-client at the first of these servers. */
function libraryAt({ servers, issuer }: Awaited<ReturnType<typeof cibaServers>>) {
  const config = new library.Configuration(
    {
      issuer: issuer('sandbox'),
      token_endpoint: `${issuer('sandbox')}/token`,
      jwks_uri: `${issuer('sandbox')}/jwks`,
      backchannel_authentication_endpoint: `${issuer('sandbox')}/bc-authorize`,
    },
    sandboxId,
    { id_token_signed_response_alg: 'ES256' },
    library.ClientSecretBasic(sandboxSecret),
  )
  library.allowInsecureRequests(config)
  const answers: string[] = []
  config[library.customFetch] = async (url, options) => {
    const { pathname } = new URL(url)
    const there = `http://127.0.0.1:${servers[0]?.port()}${pathname}`
    const answer = await fetch(there, options as RequestInit)
    const { error } = (await answer.clone().json()) as { error?: string }
    answers.push(error ?? String(answer.status))
    return answer
  }
  return { config, answers }
}

test('a third-party client gets a token on behalf of a subscriber by polling', async (t) => {
  const { config } = libraryAt(await cibaServers(t))
  const asked = await library.initiateBackchannelAuthentication(config, {
    scope: granted,
    login_hint: subscriber,
    binding_message: 'W4SCT',
  })
  assert.equal(asked.interval, 5)
  const tokens = await library.pollBackchannelAuthenticationGrant(config, asked)
  assert.equal(tokens.token_type, 'bearer')
  const subject = tokens.claims()?.sub
  assert.match(subject ?? '', /^[\w-]{43}$/)
  assert.equal(tokens.refresh_token, undefined)
})

test('openid and offline_access open no API: the access tokens of a grant carry neither, and both are kept', async (t) => {
  const { ask, poll, post } = await cibaServers(t)
  const scope = `openid offline_access ${purpose} sim-swap:check`
  const answer = await poll((await ask({ scope, login_hint: subscriber })).body.auth_req_id)
  assert.equal(claimsOf(answer).scope, `${purpose} sim-swap:check`)
  assert.equal(answer.body.scope, `${purpose} sim-swap:check`)
  assert.ok(answer.body.id_token)
  const refreshed = await post(
    '/sandbox/token',
    { grant_type: 'refresh_token', refresh_token: String(answer.body.refresh_token) },
    basic(sandboxId, sandboxSecret),
  )
  assert.equal(claimsOf(refreshed).scope, `${purpose} sim-swap:check`)
  assert.ok(refreshed.body.id_token)
  assert.ok(refreshed.body.refresh_token)
})

test('a third-party client that is told to slow down does so, until it keeps the pace and gets its token', async (t) => {
  const world = await cibaServers(t)
  const { config, answers } = libraryAt(world)
  // The library waits five seconds at a time: they pass at once, here and on the clock of the servers.
  const waited: number[] = []
  const later = globalThis.setTimeout
  t.mock.method(globalThis, 'setTimeout', (work: () => void, ms?: number) => {
    if (ms !== 5_000 || !(new Error().stack ?? '').includes('openid-client')) return later(work, ms)
    waited[answers.length] = (waited[answers.length] ?? 0) + 5
    world.clock.advance(5)
    return later(work, 0)
  })
  const asked = await library.initiateBackchannelAuthentication(config, {
    scope: consented,
    login_hint: subscriber,
  })
  // Somebody of the same client polls beside it, once, too early for what follows.
  await world.poll(asked.auth_req_id)
  assert.equal((await world.poll(asked.auth_req_id)).body.error, 'slow_down')
  const polling = library.pollBackchannelAuthenticationGrant(config, asked)
  while (!answers.includes('authorization_pending')) await new Promise(setImmediate)
  await world.answer('allow')
  const tokens = await polling
  assert.equal(tokens.token_type, 'bearer')
  assert.ok(answers.includes('slow_down'), answers.join())
  // From its first poll on: what it waited before each, and what it was told.
  const [first = 0, second = 0, third = 0] = waited.filter((seconds) => seconds > 0)
  assert.deepEqual([first, second, third], [5, 10, 15], answers.join())
  assert.equal(answers.at(-1), '200')
})

test('a request that needs no consent is granted at its first poll, for its purpose only', async (t) => {
  const { ask, poll, world } = await cibaServers(t)
  const asked = await ask({ scope: granted, login_hint: subscriber })
  assert.deepEqual(Object.keys(asked.body).sort(), ['auth_req_id', 'expires_in', 'interval'])
  assert.deepEqual([asked.body.expires_in, asked.body.interval], [600, 5])
  const answer = await poll(asked.body.auth_req_id)
  const claims = claimsOf(answer)
  assert.equal(claims.pur, purpose)
  assert.equal(claims.cns, undefined)
  assert.equal(answer.body.expires_in, 300)
  assert.equal(JSON.stringify(claims).includes('9901000'), false)
  assert.equal(world.sent.length, 0)
})

test('openid is not needed, and without it there is no ID token', async (t) => {
  const { ask, poll } = await cibaServers(t)
  const asked = await ask({ scope: `${purpose} sim-swap:check`, login_hint: subscriber })
  const answer = await poll(asked.body.auth_req_id)
  assert.equal(claimsOf(answer).scope, `${purpose} sim-swap:check`)
  assert.equal(answer.body.id_token, undefined)
})

test('where consent is needed the subscriber gets a link, and the client waits for the answer', async (t) => {
  const { ask, poll, answer, world, clock } = await cibaServers(t)
  const asked = await ask({ scope: consented, login_hint: subscriber, ui_locales: 'de' })
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  assert.equal(world.sent.length, 1)
  assert.equal(world.sent[0]?.phoneNumber, '+99010000001')
  assert.match(
    world.sent[0]?.text ?? '',
    /Example Bank bittet um Ihre Einwilligung.*\/sandbox\/consent\?t=[\w-]+$/,
  )
  refused(await poll(asked.body.auth_req_id), 400, 'authorization_pending')
  await answer('allow')
  clock.advance(5)
  const claims = claimsOf(await poll(asked.body.auth_req_id))
  assert.equal((claims.cns as string[]).length, 1)
  const again = await ask({ scope: consented, login_hint: subscriber })
  assert.deepEqual(claimsOf(await poll(again.body.auth_req_id)).cns, claims.cns)
  assert.equal(world.sent.length, 1)
})

test('a subscriber who refuses ends the request, and is not asked again', async (t) => {
  const { ask, poll, answer, world } = await cibaServers(t)
  const asked = await ask({ scope: consented, login_hint: subscriber })
  await answer('refuse')
  refused(await poll(asked.body.auth_req_id), 400, 'access_denied')
  refused(await ask({ scope: consented, login_hint: subscriber }), 403, 'access_denied')
  assert.equal(world.sent.length, 1)
})

test('consent, order, subscription and client are looked at again when a token is made', async (t) => {
  const { ask, poll, answer, clients, settings, consent, clock } = await cibaServers(t)
  const first = await ask({ scope: consented, login_hint: subscriber })
  const { subject } = await answer('allow')
  const scopes = [...clients.scopes]
  clients.scopes = ['sim-swap:check']
  refused(await poll(first.body.auth_req_id), 400, 'invalid_grant')
  clients.scopes = scopes
  clock.advance(6)
  clients.set(sandboxId, {
    settings: {
      ...settings,
      grants: [{ grantType: cibaGrant, purpose: 'dpv:EnforceSecurity', scopes: '*' }],
    },
  })
  refused(await poll(first.body.auth_req_id), 400, 'invalid_grant')
  clients.set(sandboxId, { settings, state: 'suspended' })
  refused(
    await poll((await ask({ scope: consented, login_hint: subscriber })).body.auth_req_id),
    401,
    'invalid_client',
  )
  clients.set(sandboxId, { state: 'active' })
  const second = await ask({ scope: consented, login_hint: subscriber })
  const [record] = await consent.listOf('sandbox', subject)
  await consent.withdraw('sandbox', record?.id ?? '', {
    kind: 'subscriber',
    subject,
    channel: 'privacy-page',
    method: 'one-time-code',
  })
  refused(await poll(second.body.auth_req_id), 400, 'access_denied')
})

test('a client that polls too often is told to slow down, by five seconds each time, on every node', async (t) => {
  const { ask, poll, clock } = await cibaServers(t)
  const { body } = await ask({ scope: consented, login_hint: subscriber })
  const at = async (seconds: number) => {
    clock.advance(seconds)
    return (await poll(body.auth_req_id)).body.error
  }
  assert.equal(await at(0), 'authorization_pending')
  assert.equal(await at(2), 'slow_down')
  assert.equal(await at(6), 'slow_down')
  assert.equal(await at(15), 'authorization_pending')
  assert.equal(await at(14), 'slow_down')
  assert.equal(await at(20), 'authorization_pending')
})

test('of fifty simultaneous polls on two nodes one gets the token', async (t) => {
  const { ask, poll } = await cibaServers(t)
  const { body } = await ask({ scope: granted, login_hint: subscriber })
  const answers = await Promise.all(Array.from({ length: 50 }, () => poll(body.auth_req_id)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  for (const { body: refusal, status } of answers)
    if (status !== 200) assert.match(String(refusal.error), /^(slow_down|invalid_grant)$/)
})

test('an auth_req_id is of one client, once, and for ten minutes', async (t) => {
  const { ask, poll, clock } = await cibaServers(t)
  const { body } = await ask({ scope: granted, login_hint: subscriber })
  // A stranger's polls, however many, are not those of the client.
  for (let i = 0; i < 3; i += 1)
    refused(await poll(body.auth_req_id, basic(otherId, sandboxSecret)), 400, 'invalid_grant')
  assert.equal((await poll(body.auth_req_id)).status, 200)
  clock.advance(10)
  refused(await poll(body.auth_req_id), 400, 'invalid_grant')
  refused(await poll('A'.repeat(43)), 400, 'invalid_grant')
  const late = await ask({ scope: granted, login_hint: subscriber })
  clock.advance(601)
  refused(await poll(late.body.auth_req_id), 400, 'expired_token')
})

const asks: [what: string, form: Record<string, string>, status: number, error: string][] = [
  ['no scope', { login_hint: subscriber }, 400, 'invalid_request'],
  ['no purpose', { login_hint: subscriber, scope: 'openid sim-swap:check' }, 400, 'invalid_scope'],
  [
    'two purposes',
    { login_hint: subscriber, scope: `${granted} dpv:Marketing` },
    400,
    'invalid_scope',
  ],
  [
    'the obsolete form',
    { login_hint: subscriber, scope: `openid ${purpose}#sim-swap:check` },
    400,
    'invalid_scope',
  ],
  [
    'an unknown scope',
    { login_hint: subscriber, scope: `openid ${purpose} nothing:here` },
    400,
    'invalid_scope',
  ],
  [
    'a scope that is not offered',
    { login_hint: subscriber, scope: `${purpose} sim-swap:retrieve-date` },
    400,
    'invalid_scope',
  ],
  [
    'a purpose of another grant',
    { login_hint: subscriber, scope: 'dpv:Marketing sim-swap:check' },
    400,
    'unauthorized_client',
  ],
  ['no hint', { scope: granted }, 400, 'invalid_request'],
  [
    'a second hint',
    { login_hint: subscriber, login_hint_token: 'x', scope: granted },
    400,
    'invalid_request',
  ],
  ['another hint', { id_token_hint: 'x', scope: granted }, 400, 'invalid_request'],
  [
    'a hint of an ID token beside it',
    { login_hint: subscriber, id_token_hint: 'x', scope: granted },
    400,
    'invalid_request',
  ],
  [
    'a hint of the wrong form',
    { login_hint: '+99010000001', scope: granted },
    400,
    'invalid_request',
  ],
  [
    'a request that is no JWT',
    { request: 'x', client_id: sandboxId },
    400,
    'invalid_request_object',
  ],
]
test('each fault of a request has the answer of the standard', async (t) => {
  const { ask, world, clients, settings } = await cibaServers(t)
  for (const [what, form, status, error] of asks)
    await t.test(what, async () => refused(await ask(form), status, error))
  await t.test('nobody of this operator', async () => {
    world.identity = undefined
    refused(
      await ask({ login_hint: 'ipport:203.0.113.1:7', scope: granted }),
      400,
      'unknown_user_id',
    )
    refused(await ask({ login_hint: 'operatortoken:x', scope: granted }), 400, 'unknown_user_id')
    // What is refused anyway tells nothing of them.
    const scope = `${purpose} sim-swap:retrieve-date`
    refused(await ask({ login_hint: 'operatortoken:x', scope }), 400, 'invalid_scope')
  })
  await t.test('a client that did not order CIBA', async () => {
    clients.set(sandboxId, { settings: { ...settings, grants: [...testSettings.grants] } })
    refused(await ask({ login_hint: subscriber, scope: granted }), 400, 'unauthorized_client')
    clients.set(sandboxId, { settings })
  })
  await t.test('a wrong secret', async () => {
    const wrong = basic(sandboxId, `${sandboxSecret.slice(0, -1)}x`)
    refused(await ask({ login_hint: subscriber, scope: granted }, wrong), 401, 'invalid_client')
  })
  assert.equal(world.sent.length, 0)
})

test('what the profile ignores is no fault, whatever it holds', async (t) => {
  const { ask } = await cibaServers(t)
  const ignored = {
    binding_message: 'x'.repeat(2_000),
    user_code: '1234',
    requested_expiry: '-7',
    acr_values: 'urn:any',
  }
  const asked = await ask({ login_hint: subscriber, scope: granted, ...ignored })
  assert.deepEqual([asked.status, asked.body.expires_in], [200, 600])
})

test('a client that asks for nobody too often is not served until a minute is over', async (t) => {
  const { ask, world } = await cibaServers(t)
  world.identity = undefined
  const statuses = new Set<string>()
  for (let i = 0; i < 70; i += 10) {
    const form = { login_hint: 'operatortoken:x', scope: granted }
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask(form)))
    for (const { status, body } of answers) statuses.add(`${status} ${body.error}`)
  }
  assert.deepEqual([...statuses].sort(), ['400 unknown_user_id', '429 temporarily_unavailable'])
})

test('a signed request says it all, once, and what stands outside does not count', async (t) => {
  const { ask, poll, key, issuer } = await cibaServers(t)
  const now = Math.floor(Date.now() / 1_000)
  const sign = (claims: Record<string, unknown>) =>
    new SignJWT({
      iss: sandboxId,
      aud: issuer('sandbox'),
      iat: now,
      exp: now + 60,
      jti: `j${JSON.stringify(claims).length}`,
      client_id: sandboxId,
      login_hint: subscriber,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'k1' })
      .sign(key.privateKey)
  const signed = await sign({ scope: `${purpose} sim-swap:check` })
  const asked = await ask({ client_id: sandboxId, request: signed })
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  assert.equal(claimsOf(await poll(asked.body.auth_req_id)).scope, `${purpose} sim-swap:check`)
  refused(await ask({ client_id: sandboxId, request: signed }), 400, 'invalid_request_object')
  for (const wrong of [
    { aud: 'https://other.example' },
    { exp: now + 4_000 },
    { iat: now + 90 },
    { iss: otherId },
  ])
    refused(
      await ask({ client_id: sandboxId, request: await sign({ scope: granted, ...wrong }) }),
      400,
      'invalid_request_object',
    )
  const [head, body] = signed.split('.')
  const forged = `${head}.${body}.${'A'.repeat(86)}`
  refused(await ask({ client_id: sandboxId, request: forged }), 400, 'invalid_request_object')
})

test('a message names its sender by letters and digits only', async (t) => {
  const { ask, clients, world } = await cibaServers(t)
  clients.set(sandboxId, { partnerName: 'Win at https://evil.example/now! Bank' })
  await ask({ scope: consented, login_hint: subscriber })
  assert.equal(world.sent[0]?.text.match(/https?:/g)?.length, 1)
  assert.equal(world.sent[0]?.text.includes('evil.example'), false)
})

test('discovery names the endpoint and poll mode, and the endpoint takes POST only', async (t) => {
  const { servers } = await cibaServers(t)
  const base = `http://127.0.0.1:${servers[0]?.port()}/sandbox`
  const found = await request(`${base}/.well-known/openid-configuration`)
  const metadata = (await found.body.json()) as Record<string, unknown>
  assert.match(String(metadata.backchannel_authentication_endpoint), /\/sandbox\/bc-authorize$/)
  assert.deepEqual(metadata.backchannel_token_delivery_modes_supported, ['poll'])
  assert.ok((metadata.grant_types_supported as string[]).includes(cibaGrant))
  assert.equal((await request(`${base}/bc-authorize`)).statusCode, 405)
})
