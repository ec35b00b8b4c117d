import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { SignJWT } from 'jose'
import * as library from 'openid-client'
import { subjectOf } from '#consent'
import {
  type Answer,
  basic,
  claimsOf,
  sandboxId,
  sandboxSecret,
  type TestKey,
  testKey,
  testServers,
  testSettings,
} from './testing.ts'

const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const purpose = 'dpv:FraudPreventionAndDetection'
const free = `${purpose} sim-swap:check`
const consented = `${purpose} location-verification:verify`

async function bearerServers(t: Parameters<typeof testServers>[0]) {
  const servers = await testServers(t, { subscribers: true })
  const key = testKey('ES256', 'k1')
  const settings = {
    ...testSettings,
    refreshTokens: true,
    grants: [{ grantType: bearerGrant, purpose, scopes: '*' }],
  } as const
  const keys = [{ credentialId: 'crd_key', jwk: key.jwk }]
  servers.clients.set(sandboxId, { keys, settings })
  const audience = `${servers.issuer('sandbox')}/token`
  const signed = async (
    claims: Record<string, unknown> = {},
    header: Record<string, unknown> = {},
    by: TestKey = key,
  ) => {
    const now = Math.floor(Date.now() / 1_000)
    return await new SignJWT({
      ...{ iss: sandboxId, sub: 'tel:+99010000001', aud: audience, scope: free },
      ...{ iat: now, exp: now + 60, jti: randomUUID(), ...claims },
    })
      .setProtectedHeader({ alg: by.alg, kid: 'k1', ...header })
      .sign(by.privateKey)
  }
  const send = (assertion: string, more: Record<string, string> = {}, headers = {}) =>
    servers.post('/sandbox/token', { grant_type: bearerGrant, assertion, ...more }, headers)
  return { ...servers, key, settings, audience, signed, send }
}

const refused = (answer: Answer, status: number, error: string): void => {
  assert.deepEqual([answer.status, answer.body.error], [status, error], JSON.stringify(answer.body))
  assert.equal(/9901000/.test(JSON.stringify(answer.body)), false)
  // RFC 6749, appendix A.8: clients may refuse any other character.
  assert.match(String(answer.body.error_description), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
}

test('a third-party client gets a token with nothing but a signed assertion', async (t) => {
  const { servers, issuer, signed } = await bearerServers(t)
  const config = new library.Configuration(
    { issuer: issuer('sandbox'), token_endpoint: `${issuer('sandbox')}/token` },
    sandboxId,
    {},
    library.None(),
  )
  library.allowInsecureRequests(config)
  config[library.customFetch] = async (url, options) =>
    await fetch(
      `http://127.0.0.1:${servers[0]?.port()}${new URL(url).pathname}`,
      options as RequestInit,
    )
  const tokens = await library.genericGrantRequest(config, bearerGrant, {
    assertion: await signed(),
  })
  assert.equal(tokens.expires_in, 120)
  assert.equal(tokens.refresh_token, undefined)
  assert.equal(tokens.id_token, undefined)
})

test('a token is short, for one purpose, and names nobody readably', async (t) => {
  const { signed, send } = await bearerServers(t)
  const answer = await send(await signed({ scope: `openid offline_access ${free}` }))
  const claims = claimsOf(answer)
  assert.equal(claims.pur, purpose)
  assert.equal(claims.scope, free)
  assert.equal(claims.crd, 'crd_key')
  assert.equal(Number(claims.exp) - Number(claims.iat), 120)
  assert.match(String(claims.sub), /^[\w-]{43}$/)
  assert.equal(JSON.stringify(claims).includes('9901000'), false)
  const second = claimsOf(await send(await signed({ sub: 'operatortoken:abc' })))
  assert.notEqual(second.sub, claims.sub)
})

test('of fifty simultaneous uses of one assertion on two nodes one gets a token', async (t) => {
  const { signed, send } = await bearerServers(t)
  const one = await signed()
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(one)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  for (const answer of answers) if (answer.status !== 200) refused(answer, 400, 'invalid_grant')
})

test('consent is looked for and never asked for', async (t) => {
  const { signed, send, consent, platform, world } = await bearerServers(t)
  refused(await send(await signed({ scope: consented })), 400, 'invalid_grant')
  assert.equal(world.sent.length, 0)
  const question = {
    environment: 'sandbox',
    subject: subjectOf(platform.sealing, 'sandbox', '+99010000001'),
    applicationId: `app_${sandboxId}`,
    purpose,
    scopes: ['location-verification:verify'],
  } as const
  const { token } = await consent.beginCapture({
    ...question,
    channel: 'capture-url',
    locales: [],
    reference: 'r',
    expiresAt: new Date(Date.now() + 60_000),
  })
  const view = await consent.openCapture(token)
  assert.ok(view)
  await consent.answerCapture(token, 'allow', {
    method: 'sms-link',
    textHash: view.textHash,
    locale: view.notice.locale,
  })
  const claims = claimsOf(await send(await signed({ scope: consented })))
  const [id] = claims.cns as string[]
  await consent.withdraw('sandbox', id ?? '', {
    kind: 'subscriber',
    subject: question.subject,
    channel: 'privacy-page',
    method: 'one-time-code',
  })
  refused(await send(await signed({ scope: consented })), 400, 'invalid_grant')
})

test('a scope that is not offered is refused before anybody looks for the subscriber, and uses nothing up', async (t) => {
  const { signed, send, world } = await bearerServers(t)
  // It would be found out that nobody has this token.
  world.identity = undefined
  const one = await signed({
    sub: 'operatortoken:x',
    scope: `${purpose} sim-swap:retrieve-date`,
  })
  for (let turn = 0; turn < 2; turn += 1) {
    const answer = await send(one)
    refused(answer, 400, 'invalid_scope')
    assert.match(String(answer.body.error_description), /not offered for dpv:/)
  }
})

const now = (): number => Math.floor(Date.now() / 1_000)
const wrongClaims: [
  what: string,
  claims: () => Record<string, unknown>,
  status: number,
  error: string,
][] = [
  ['an audience of another', () => ({ aud: 'https://other.example' }), 400, 'invalid_grant'],
  ['two audiences', () => ({ aud: ['x', 'y'] }), 400, 'invalid_grant'],
  ['no audience', () => ({ aud: undefined }), 400, 'invalid_grant'],
  ['no expiry', () => ({ exp: undefined }), 400, 'invalid_grant'],
  ['an expiry in the past', () => ({ exp: now() - 1 }), 400, 'invalid_grant'],
  [
    'an expiry more than 300 s ahead',
    () => ({ exp: now() + 305, iat: now() + 5 }),
    400,
    'invalid_grant',
  ],
  [
    'a life of more than 300 s',
    () => ({ iat: now() - 250, exp: now() + 60 }),
    400,
    'invalid_grant',
  ],
  ['no time of issue', () => ({ iat: undefined }), 400, 'invalid_grant'],
  [
    'a time of issue in the future',
    () => ({ iat: now() + 60, exp: now() + 100 }),
    400,
    'invalid_grant',
  ],
  ['no jti', () => ({ jti: undefined }), 400, 'invalid_grant'],
  ['no subject', () => ({ sub: undefined }), 400, 'invalid_grant'],
  ['two subjects', () => ({ sub: ['tel:+99010000001'] }), 400, 'invalid_grant'],
  ['an address as subject', () => ({ sub: 'ipport:203.0.113.7:1' }), 400, 'invalid_grant'],
  ['a subject with separators', () => ({ sub: 'tel:+990-1000-0001' }), 400, 'invalid_grant'],
  ['the client as subject', () => ({ sub: sandboxId }), 400, 'invalid_grant'],
  ['no scope', () => ({ scope: undefined }), 400, 'invalid_scope'],
  ['no purpose', () => ({ scope: 'sim-swap:check' }), 400, 'invalid_scope'],
  ['two purposes', () => ({ scope: `${free} dpv:Marketing` }), 400, 'invalid_scope'],
  ['the obsolete form', () => ({ scope: `${purpose}#sim-swap:check` }), 400, 'invalid_scope'],
  [
    'a purpose of another grant',
    () => ({ scope: 'dpv:Marketing sim-swap:check' }),
    400,
    'unauthorized_client',
  ],
  [
    'a scope that is not offered',
    () => ({ scope: `${purpose} sim-swap:retrieve-date` }),
    400,
    'invalid_scope',
  ],
  ['an unknown client', () => ({ iss: 'wl_sbx_zzzzzzzzzzzzzzzzzzzz' }), 401, 'invalid_client'],
  [
    'a client of the other environment',
    () => ({ iss: 'wl_live_0123456789abcdefghij' }),
    401,
    'invalid_client',
  ],
]

test('each fault of an assertion has the answer of the standard', async (t) => {
  const { signed, send, world, clients, settings, platform } = await bearerServers(t)
  for (const [what, claims, status, error] of wrongClaims)
    await t.test(what, async () => refused(await send(await signed(claims())), status, error))
  await t.test('a signature by another key', async () => {
    refused(await send(await signed({}, {}, testKey('ES256', 'k1'))), 401, 'invalid_client')
  })
  await t.test('no signature', async () => {
    const [, body] = (await signed()).split('.')
    const head = Buffer.from('{"alg":"none"}').toString('base64url')
    refused(await send(`${head}.${body}.AAAA`), 400, 'invalid_grant')
  })
  await t.test('a client assertion in its place', async () => {
    refused(
      await send(await signed({}, { typ: 'client-authentication+jwt' })),
      400,
      'invalid_grant',
    )
  })
  await t.test('a scope beside it', async () => {
    refused(await send(await signed(), { scope: free }), 400, 'invalid_request')
  })
  await t.test('another resource, which does not use it up', async () => {
    const one = await signed()
    refused(await send(one, { resource: 'https://evil.example' }), 400, 'invalid_target')
    assert.equal((await send(one, { resource: platform.config.gateways.sandbox.url })).status, 200)
  })
  await t.test('a second authentication', async () => {
    const both = await send(await signed(), {}, basic(sandboxId, sandboxSecret))
    refused(both, 400, 'invalid_request')
  })
  await t.test('another client_id', async () => {
    refused(await send(await signed(), { client_id: 'someone' }), 400, 'invalid_request')
  })
  await t.test('no assertion', async () => refused(await send(''), 400, 'invalid_request'))
  await t.test('nobody of this operator', async () => {
    world.identity = undefined
    refused(await send(await signed({ sub: 'operatortoken:x' })), 400, 'invalid_grant')
  })
  await t.test('a suspended client', async () => {
    clients.set(sandboxId, { state: 'suspended' })
    refused(await send(await signed()), 401, 'invalid_client')
    clients.set(sandboxId, { state: 'active' })
  })
  await t.test('a client that takes secrets only', async () => {
    clients.set(sandboxId, {
      settings: { ...settings, authenticationMethods: ['client_secret_basic'] },
    })
    refused(await send(await signed()), 401, 'invalid_client')
  })
})

test('an assertion of this grant opens no other', async (t) => {
  const { signed, post } = await bearerServers(t)
  for (const grant_type of [
    'client_credentials',
    'refresh_token',
    'urn:openid:params:grant-type:ciba',
  ]) {
    const form = { grant_type, assertion: await signed(), client_id: sandboxId, scope: free }
    const answer = await post('/sandbox/token', form)
    refused(answer, 401, 'invalid_client')
  }
})

test('the same is answered to an unknown client and to a wrong key', async (t) => {
  const { signed, send } = await bearerServers(t)
  const unknown = await send(await signed({ iss: 'wl_sbx_zzzzzzzzzzzzzzzzzzzz' }))
  const wrong = await send(await signed({}, {}, testKey('ES256', 'k1')))
  assert.deepEqual(unknown.body, wrong.body)
  assert.match(String(wrong.body.error_description), /ES256 key 'k1' that verifies the assertion/)
  assert.equal(unknown.status, wrong.status)
})
