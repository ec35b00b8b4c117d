import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { SignJWT } from 'jose'
import { request } from 'undici'
import { subjectOf } from '#consent'
import {
  asserted,
  assertion,
  basic,
  pkce,
  sandboxId,
  sandboxSecret,
  type TestKey,
  testKey,
  testServers,
  testSettings,
} from './testing.ts'

/** The error table of the CAMARA security profile (Appendix A) with the RFCs behind it, each line by a request. */

const callback = 'https://app.example/callback'
const purpose = 'dpv:FraudPreventionAndDetection'
const otherPurpose = 'dpv:RequestedServiceProvision'
const cibaGrant = 'urn:openid:params:grant-type:ciba'
const bearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const free = `openid ${purpose} sim-swap:check`
const needsConsent = `openid ${purpose} location-verification:verify`
const { verifier, challenge } = pkce()
const settings = {
  ...testSettings,
  redirectUris: [callback],
  refreshTokens: true,
  grants: [
    { grantType: 'client_credentials', scopes: '*' },
    { grantType: 'authorization_code', purpose, scopes: '*' },
    { grantType: cibaGrant, purpose: otherPurpose, scopes: '*' },
    { grantType: bearerGrant, purpose: 'dpv:EnforceSecurity', scopes: '*' },
  ],
} as const

async function world(t: Parameters<typeof testServers>[0]) {
  const servers = await testServers(t, { subscribers: true, count: 1 })
  const key = testKey('ES256', 'k1')
  servers.clients.set(sandboxId, { settings, keys: [{ credentialId: 'crd_k', jwk: key.jwk }] })
  return { ...servers, key, port: servers.servers[0]?.port() ?? 0 }
}
type World = Awaited<ReturnType<typeof world>>
type Form = Record<string, string | undefined>

const authorizeParameters = (): Form => ({
  client_id: sandboxId,
  response_type: 'code',
  redirect_uri: callback,
  scope: free,
  state: 'the state',
  code_challenge: challenge,
  code_challenge_method: 'S256',
})

const only = (form: Form): Record<string, string> =>
  Object.fromEntries(
    Object.entries(form).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )

const requestObject = async (
  { issuer }: World,
  key: TestKey,
  change: Record<string, unknown> = {},
): Promise<string> => {
  const now = Math.floor(Date.now() / 1_000)
  return await new SignJWT({
    ...only(authorizeParameters()),
    ...{ iss: sandboxId, aud: issuer('sandbox'), iat: now, exp: now + 60, jti: randomUUID() },
    ...change,
  })
    .setProtectedHeader({ alg: key.alg, kid: 'k1', typ: 'oauth-authz-req+jwt' })
    .sign(key.privateKey)
}

type AuthorizeCase = [
  what: string,
  change: Form | ((here: World) => Promise<Form>),
  error: string,
  before?: (here: World) => void,
]
const now = () => Math.floor(Date.now() / 1_000)
const atAuthorize: AuthorizeCase[] = [
  ['no response_type', { response_type: undefined }, 'invalid_request'],
  ['no code_challenge', { code_challenge: undefined }, 'invalid_request'],
  ['a key that no code can be bound to', { dpop_jkt: 'x' }, 'invalid_request'],
  ['a prompt that is none', { prompt: 'elsewhere' }, 'invalid_request'],
  [
    'a purpose of another grant',
    { scope: `openid ${otherPurpose} sim-swap:check` },
    'unauthorized_client',
  ],
  [
    'a purpose that nobody ordered',
    { scope: 'openid dpv:Marketing sim-swap:check' },
    'unauthorized_client',
  ],
  [
    'consent that is missing, silently',
    { scope: needsConsent, prompt: 'none' },
    'consent_required',
  ],
  ['a subscriber who has refused', { scope: needsConsent }, 'access_denied'],
  [
    'nobody of this operator',
    {},
    'access_denied',
    ({ world: seen }) => {
      seen.identity = undefined
    },
  ],
  [
    'nobody of this operator, silently',
    { prompt: 'none' },
    'login_required',
    ({ world: seen }) => {
      seen.identity = undefined
    },
  ],
  ['response_type token', { response_type: 'token' }, 'unsupported_response_type'],
  [
    'response_type of OpenID’s hybrid flow',
    { response_type: 'code id_token', nonce: 'n' },
    'unsupported_response_type',
  ],
  ['no scope', { scope: undefined }, 'invalid_scope'],
  ['no purpose', { scope: 'openid sim-swap:check' }, 'invalid_scope'],
  ['two purposes', { scope: `${free} ${otherPurpose}` }, 'invalid_scope'],
  ['the obsolete form of a purpose', { scope: `${purpose}#sim-swap:check` }, 'invalid_scope'],
  ['a request object that is no JWT', { request: 'x' }, 'invalid_request_object'],
  [
    'a request object of another key',
    async (here) => ({ request: await requestObject(here, testKey('ES256', 'k1')) }),
    'invalid_request_object',
  ],
  [
    'a request object for another server',
    async (here) => ({
      request: await requestObject(here, here.key, { aud: here.issuer('production') }),
    }),
    'invalid_request_object',
  ],
  [
    'a request object that lives too long',
    async (here) => ({ request: await requestObject(here, here.key, { exp: now() + 400 }) }),
    'invalid_request_object',
  ],
  [
    'a request object from the future',
    async (here) => ({
      request: await requestObject(here, here.key, { iat: now() + 60, exp: now() + 120 }),
    }),
    'invalid_request_object',
  ],
  [
    'a request object without an address',
    async (here) => ({ request: await requestObject(here, here.key, { redirect_uri: undefined }) }),
    'invalid_request_object',
  ],
  [
    'a request object without client_id',
    async (here) => ({ request: await requestObject(here, here.key, { client_id: undefined }) }),
    'invalid_request_object',
  ],
  [
    'a request object without jti',
    async (here) => ({ request: await requestObject(here, here.key, { jti: undefined }) }),
    'invalid_request_object',
  ],
  [
    'a request object of another client',
    async (here) => ({
      request: await requestObject(here, here.key, { client_id: 'wl_sbx_9876543210abcdefghij' }),
    }),
    'invalid_request_object',
  ],
  [
    'another scope inside than outside',
    async (here) => ({ request: await requestObject(here, here.key, { scope: `${free} openid` }) }),
    'invalid_request_object',
  ],
  [
    'a request_uri of another place',
    { request_uri: 'https://evil.example/o' },
    'request_uri_not_supported',
  ],
  ['a registration', { registration: '{}' }, 'registration_not_supported'],
]

describe('the errors of the standard, each in its form', () => {
  test('at the authorization endpoint they go to the registered page, with state and issuer', async (t) => {
    const here = await world(t)
    for (const [what, change, error, before] of atAuthorize) {
      await t.test(what, async () => {
        const { identity } = here.world
        before?.(here)
        const given = typeof change === 'function' ? await change(here) : change
        const query = new URLSearchParams(only({ ...authorizeParameters(), ...given }))
        if (what === 'a subscriber who has refused') await refuse(here)
        const answer = await request(`http://127.0.0.1:${here.port}/sandbox/authorize?${query}`)
        here.world.identity = identity
        const text = await answer.body.text()
        assert.equal(answer.statusCode, 303, text)
        const back = new URL(String(answer.headers.location))
        assert.equal(`${back.origin}${back.pathname}`, callback)
        // Where a token was asked for, the answer stands where a token would (OAuth 2.0 Multiple Response Types, section 5).
        const inFragment = given.response_type !== undefined
        const told = Object.fromEntries(
          inFragment ? new URLSearchParams(back.hash.slice(1)) : back.searchParams,
        )
        assert.equal(told.error, error, back.href)
        const { error_description: description = 'none', ...rest } = told
        assert.deepEqual(Object.keys(rest).sort(), ['error', 'iss', 'state'])
        assert.deepEqual([told.state, told.iss], ['the state', here.issuer('sandbox')])
        assert.match(description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
        assert.equal(/crd_|cns_|9901/.test(back.href), false)
      })
    }
  })

  const atPar: [what: string, form: Form, status: number, error: string][] = [
    ['no response_type', { response_type: undefined }, 400, 'invalid_request'],
    ['no redirect_uri', { redirect_uri: undefined }, 400, 'invalid_request'],
    [
      'an address that is not registered',
      { redirect_uri: 'https://evil.example/' },
      400,
      'invalid_request',
    ],
    [
      'a request_uri',
      { request_uri: 'urn:ietf:params:oauth:request_uri:x' },
      400,
      'request_uri_not_supported',
    ],
    ['response_type token', { response_type: 'token' }, 400, 'unsupported_response_type'],
    ['no purpose', { scope: 'openid sim-swap:check' }, 400, 'invalid_scope'],
    [
      'a purpose of another grant',
      { scope: `${otherPurpose} sim-swap:check` },
      400,
      'unauthorized_client',
    ],
    ['a request that is no JWT', { request: 'x' }, 400, 'invalid_request_object'],
    [
      'the id of another client',
      { client_id: 'wl_sbx_9876543210abcdefghij' },
      400,
      'invalid_request',
    ],
  ]
  const atBackchannel: typeof atPar = [
    ['no hint', { login_hint: undefined }, 400, 'invalid_request'],
    ['no scope', { scope: undefined }, 400, 'invalid_request'],
    ['another hint', { login_hint: undefined, id_token_hint: 'x' }, 400, 'invalid_request'],
    ['a hint of no form', { login_hint: '99010000001' }, 400, 'invalid_request'],
    ['a purpose of another grant', { scope: free }, 400, 'unauthorized_client'],
    ['nobody of this operator', { login_hint: 'operatortoken:x' }, 400, 'unknown_user_id'],
    ['no purpose', { scope: 'sim-swap:check' }, 400, 'invalid_scope'],
    ['a request that is no JWT', { request: 'x' }, 400, 'invalid_request_object'],
    [
      'a subscriber who has refused',
      { scope: `${otherPurpose} location-verification:verify` },
      403,
      'access_denied',
    ],
  ]
  const atToken: typeof atPar = [
    ['no grant_type', {}, 400, 'invalid_request'],
    ['a grant that there is not', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
    ['the implicit one', { grant_type: 'implicit' }, 400, 'unsupported_grant_type'],
    [
      'one that only we use',
      { grant_type: 'urn:wayleave:revocation', token: 'x' },
      400,
      'unsupported_grant_type',
    ],
    ['no scope', { grant_type: 'client_credentials' }, 400, 'invalid_scope'],
    [
      'a scope without a subscription',
      { grant_type: 'client_credentials', scope: 'x:y' },
      400,
      'invalid_scope',
    ],
    [
      'a purpose of another grant',
      { grant_type: 'client_credentials', scope: `${purpose} sim-swap:check` },
      400,
      'unauthorized_client',
    ],
    [
      'no code',
      { grant_type: 'authorization_code', redirect_uri: callback },
      400,
      'invalid_request',
    ],
    [
      'a code that there is not',
      {
        grant_type: 'authorization_code',
        code: 'x',
        redirect_uri: callback,
        code_verifier: verifier,
      },
      400,
      'invalid_grant',
    ],
    ['no auth_req_id', { grant_type: cibaGrant }, 400, 'invalid_request'],
    [
      'an auth_req_id that there is not',
      { grant_type: cibaGrant, auth_req_id: 'x' },
      400,
      'invalid_grant',
    ],
    ['no assertion', { grant_type: bearerGrant }, 400, 'invalid_request'],
    ['no refresh token', { grant_type: 'refresh_token' }, 400, 'invalid_request'],
    [
      'a refresh token that there is not',
      { grant_type: 'refresh_token', refresh_token: 'x' },
      400,
      'invalid_grant',
    ],
    [
      'a client assertion that is no JWT',
      {
        grant_type: 'client_credentials',
        ...asserted('x'),
      },
      400,
      'invalid_request',
    ],
  ]
  const aboutTokens: typeof atPar = [['no token', {}, 400, 'invalid_request']]

  const endpoints: [path: string, base: () => Form, cases: typeof atPar][] = [
    ['par', authorizeParameters, atPar],
    [
      'bc-authorize',
      () => ({ scope: `${otherPurpose} sim-swap:check`, login_hint: 'tel:+99012345678' }),
      atBackchannel,
    ],
    ['token', () => ({}), atToken],
    ['introspect', () => ({}), aboutTokens],
    ['revoke', () => ({}), aboutTokens],
  ]
  for (const [path, base, cases] of endpoints)
    test(`at /${path} they are JSON that nobody keeps`, async (t) => {
      const here = await world(t)
      const ask = (form: Form, headers = basic(sandboxId, sandboxSecret)) =>
        here.post(`/sandbox/${path}`, only(form), headers)
      const told = (answer: Awaited<ReturnType<typeof ask>>, status: number, error: string) => {
        assert.deepEqual(
          [answer.status, answer.body.error],
          [status, error],
          JSON.stringify(answer.body),
        )
        const { error: _, error_description: description = 'none', ...more } = answer.body
        assert.deepEqual(more, {})
        assert.match(String(description), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
        assert.match(String(answer.headers['content-type']), /^application\/json/)
        assert.equal(answer.headers['cache-control'], 'no-store')
        assert.equal(answer.headers.location, undefined)
      }
      for (const [what, form, status, error] of cases)
        await t.test(what, async () => {
          const { identity } = here.world
          if (what === 'nobody of this operator') here.world.identity = undefined
          if (what === 'a subscriber who has refused') await refuse(here, otherPurpose)
          told(await ask({ ...base(), ...form }), status, error)
          here.world.identity = identity
        })
      await t.test('a wrong secret, told as the client asked (RFC 6749, section 5.2)', async () => {
        const answer = await ask(base(), basic(sandboxId, `${sandboxSecret.slice(0, -1)}x`))
        told(answer, 401, 'invalid_client')
        assert.match(String(answer.headers['www-authenticate']), /^Basic realm=/)
      })
      await t.test('no credential at all', async () => {
        const { status, body } = await ask({ ...base(), client_id: sandboxId }, {})
        assert.deepEqual([status, body.error], [401, 'invalid_client'])
      })
      await t.test('an assertion of another key', async () => {
        const jws = await assertion(testKey('ES256', 'k1'), {
          ...{ iss: sandboxId, sub: sandboxId, aud: here.issuer('sandbox') },
        })
        const form = { ...base(), ...asserted(jws) }
        told(await ask(form, {}), 401, 'invalid_client')
      })
      await t.test('two ways to authenticate', async () => {
        told(await ask({ ...base(), client_secret: sandboxSecret }), 400, 'invalid_request')
      })
      await t.test('a parameter twice', async () => {
        const twice = 'scope=a&scope=b&client_id=x'
        const headers = basic(sandboxId, sandboxSecret)
        told(await here.post(`/sandbox/${path}`, twice, headers), 400, 'invalid_request')
      })
      await t.test('another content type', async () => {
        const headers = { ...basic(sandboxId, sandboxSecret), 'content-type': 'application/json' }
        told(await here.post(`/sandbox/${path}`, '{}', headers), 400, 'invalid_request')
      })
      await t.test('a proof that is none', async () => {
        if (path !== 'token') return
        const headers = { ...basic(sandboxId, sandboxSecret), dpop: 'x' }
        const form = { grant_type: 'client_credentials', scope: 'sim-swap:check' }
        told(await ask(form, headers), 400, 'invalid_dpop_proof')
      })
    })
})

/** The subscriber of this world says no, on a page of the operator. */
async function refuse({ consent, platform }: World, asked = purpose): Promise<void> {
  const { token } = await consent.beginCapture({
    environment: 'sandbox',
    subject: subjectOf(platform.sealing, 'sandbox', '+99012345678'),
    applicationId: `app_${sandboxId}`,
    purpose: asked,
    scopes: ['location-verification:verify'],
    channel: 'authorization',
    locales: [],
    reference: 'r',
    expiresAt: new Date(Date.now() + 60_000),
  })
  const view = await consent.openCapture(token)
  assert.ok(view)
  const { textHash, notice } = view
  await consent.answerCapture(token, 'refuse', {
    method: 'network',
    textHash,
    locale: notice.locale,
  })
}
