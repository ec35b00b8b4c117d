import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import type { Clock } from '#platform/clock'
import { makeCertificate } from '#platform/testing-certificates'
import {
  type Answer,
  assertion,
  assertionForm,
  basic,
  claimsOf,
  pkce,
  sandboxId,
  sandboxSecret,
  type TestKey,
  testKey,
} from './testing.ts'
import { boundTo, itself, testMutualTls } from './testing-mutual-tls.ts'

const mine = await makeCertificate({ name: 'CN=mine' })
const second = await makeCertificate({ name: 'CN=second' })
const stranger = await makeCertificate({ name: 'CN=stranger' })
const callback = 'https://app.example/callback'
const purpose = 'dpv:FraudPreventionAndDetection'
const ciba = 'urn:openid:params:grant-type:ciba'
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const scope = `openid offline_access ${purpose} sim-swap:check`
const own = 'sim-swap:check'
const token = '/sandbox/token'
const shown = { certificate: mine }
const certificates = [itself(mine), itself(second, 'crd_second')]

type Change = NonNullable<Parameters<typeof testMutualTls>[1]>

async function started(
  t: Parameters<typeof testMutualTls>[0],
  grantType: 'authorization_code' | typeof ciba | typeof bearer,
  change: Change = {},
  clock?: Clock,
) {
  const key = testKey('ES256', 'k1')
  const made = await testMutualTls(t, {}, { subscribers: true, ...(clock && { clock }) })
  const settings: Change = {
    ...{ senderConstraint: 'certificate', certificates, refreshTokens: true },
    redirectUris: [callback],
    grants: [
      { grantType: 'client_credentials', scopes: '*' },
      { grantType, purpose, scopes: '*' },
    ],
    ...change,
  }
  const keys = [{ credentialId: 'crd_key', jwk: key.jwk }]
  made.set(settings, { keys })
  const reset = (more: Change): void => made.set({ ...settings, ...more }, { keys })
  return { ...made, key, reset }
}

const unbound = (answer: Answer, description: RegExp): void => {
  assert.deepEqual([answer.status, answer.body.error], [400, 'invalid_request'])
  assert.match(String(answer.body.error_description), description)
}

/** A code of a request that was pushed with the certificate. */
async function codeOf({ secure, servers }: Awaited<ReturnType<typeof started>>) {
  const { verifier, challenge } = pkce()
  const pushed = await secure(
    '/sandbox/par',
    {
      ...{ client_id: sandboxId, response_type: 'code', redirect_uri: callback, scope },
      ...{ code_challenge: challenge, code_challenge_method: 'S256' },
    },
    shown,
  )
  assert.equal(pushed.status, 201, JSON.stringify(pushed.body))
  const query = new URLSearchParams({
    client_id: sandboxId,
    request_uri: String(pushed.body.request_uri),
  })
  const answer = await request(
    `http://127.0.0.1:${servers[0]?.port()}/sandbox/authorize?${query.toString()}`,
  )
  const code = new URL(String(answer.headers.location)).searchParams.get('code') ?? ''
  const form = { grant_type: 'authorization_code', redirect_uri: callback, client_id: sandboxId }
  return { ...form, code, code_verifier: verifier }
}

for (const profile of ['standard', 'fapi2'] as const)
  test(`code and refresh give bound tokens only, and nothing to another certificate (${profile})`, async (t) => {
    const made = await started(t, 'authorization_code', {
      profile,
      ...(profile === 'fapi2' ? { senderConstraint: 'either', requirePar: true } : {}),
      authenticationMethods: ['self_signed_tls_client_auth'],
    })
    const { secure, post } = made
    const form = await codeOf(made)
    const other = await secure(token, form, { certificate: stranger })
    assert.deepEqual([other.status, other.body.error], [401, 'invalid_client'])
    assert.equal((await post(token, form)).status, 401)
    const given = await secure(token, form, shown)
    assert.equal(boundTo(given), mine.thumbprint)
    const refresh = {
      grant_type: 'refresh_token',
      refresh_token: String(given.body.refresh_token),
      client_id: sandboxId,
    }
    assert.equal((await secure(token, refresh, { certificate: stranger })).status, 401)
    assert.equal((await secure(token, refresh)).status, 401)
    // A renewed certificate goes on with the refresh token; its access tokens are bound to the new one.
    assert.equal(boundTo(await secure(token, refresh, shown)), mine.thumbprint)
    assert.equal(boundTo(await secure(token, refresh, { certificate: second })), second.thumbprint)
  })

test('CIBA gives bound tokens only', async (t) => {
  const { secure } = await started(t, ciba)
  const asking = { client_id: sandboxId, scope, login_hint: 'tel:+99010000001' }
  const asked = await secure('/sandbox/bc-authorize', asking, shown)
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  const poll = {
    grant_type: ciba,
    client_id: sandboxId,
    auth_req_id: String(asked.body.auth_req_id),
  }
  assert.equal((await secure(token, poll)).status, 401)
  assert.equal(boundTo(await secure(token, poll, shown)), mine.thumbprint)
})

test('a bearer assertion gives bound tokens only, and the certificate authenticates nobody there', async (t) => {
  const { secure, key, issuer, alias } = await started(t, bearer)
  const form = async (by: TestKey = key, aud = issuer('sandbox')) => ({
    grant_type: bearer,
    assertion: await assertion(by, {
      ...{ iss: sandboxId, sub: 'tel:+99010000001', aud },
      scope: `${purpose} sim-swap:check`,
    }),
  })
  unbound(await secure(token, await form()), /bound/)
  unbound(await secure(token, await form(), { certificate: stranger }), /register it/)
  const given = await secure(token, await form(), shown)
  assert.equal(boundTo(given), mine.thumbprint)
  assert.equal(claimsOf(given).crd, 'crd_key')
  const forThisAddress = await secure(token, await form(key, `${alias}/token`), shown)
  assert.equal(boundTo(forThisAddress), mine.thumbprint)
  assert.equal((await secure(token, await form(key, `${alias}/par`), shown)).status, 400)
  const forged = await secure(token, await form(testKey('ES256', 'k1')), shown)
  assert.deepEqual([forged.status, forged.body.error], [401, 'invalid_client'])
})

test('what comes without its certificate is used up with no grant, and good for the next request', async (t) => {
  const secret = basic(sandboxId, sandboxSecret)
  let offset = 0
  const clock = { now: () => new Date(Date.now() + offset) }
  const mended = async (
    { secure, post }: Awaited<ReturnType<typeof started>>,
    form: Record<string, string>,
    headers = secret,
  ): Promise<Answer> => {
    unbound(await post(token, form, headers), /bound/)
    offset += 6_000
    unbound(await secure(token, form, {}, headers), /bound/)
    offset += 6_000
    unbound(await secure(token, form, { certificate: stranger }, headers), /register it/)
    offset += 6_000
    const given = await secure(token, form, shown, headers)
    assert.equal(boundTo(given), mine.thumbprint)
    offset += 6_000
    const again = await secure(token, form, shown, headers)
    assert.deepEqual([again.status, again.body.error], [400, 'invalid_grant'])
    return given
  }
  const made = await started(t, ciba, {}, clock)
  const asking = { scope, login_hint: 'tel:+99010000001' }
  const asked = await made.post('/sandbox/bc-authorize', asking, secret)
  const auth_req_id = String(asked.body.auth_req_id)
  const { body } = await mended(made, { grant_type: ciba, auth_req_id })
  const refresh_token = String(body.refresh_token)
  await mended(made, { grant_type: 'refresh_token', refresh_token })

  const withCode = await started(t, 'authorization_code', {}, clock)
  await mended(withCode, await codeOf(withCode))

  const { key, issuer, ...bearing } = await started(t, bearer, {}, clock)
  const signed = await assertion(key, {
    ...{ iss: sandboxId, sub: 'tel:+99010000001', aud: issuer('sandbox') },
    ...{ exp: Math.floor(clock.now().getTime() / 1_000) + 200 },
    ...{ iat: Math.floor(clock.now().getTime() / 1_000), scope: `${purpose} sim-swap:check` },
  })
  await mended({ key, issuer, ...bearing }, { grant_type: bearer, assertion: signed }, {})
})

test('whoever authenticates otherwise binds to a registered certificate, until it is taken away', async (t) => {
  const { secure, post, key, issuer, reset } = await started(t, 'authorization_code')
  const secret = basic(sandboxId, sandboxSecret)
  const form = { grant_type: 'client_credentials', scope: own }
  const signed = async () =>
    assertionForm(await assertion(key, { iss: sandboxId, sub: sandboxId, aud: issuer('sandbox') }))
  assert.equal(boundTo(await secure(token, form, shown, secret)), mine.thumbprint)
  const byKey = await secure(token, await signed(), shown)
  assert.equal(boundTo(byKey), mine.thumbprint)
  assert.equal(claimsOf(byKey).crd, 'crd_key')
  // No word of a DPoP proof, which would not help.
  unbound(
    await post(token, form, secret),
    /are bound to a certificate: come with its client certificate, to the address in mtls_endpoint/,
  )
  const repeated = await signed()
  unbound(await post(token, repeated), /come with its client certificate/)
  unbound(await secure(token, repeated, { certificate: stranger }), /register it/)
  assert.equal(
    boundTo(await secure(token, repeated, shown)),
    mine.thumbprint,
    'nothing was used up',
  )
  unbound(await secure(token, form, { certificate: stranger }, secret), /register it/)
  reset({ certificates: [itself(second)] })
  unbound(await secure(token, form, shown, secret), /register it/)
  unbound(await secure(token, await signed(), shown), /register it/)
})

test('the address for certificates is an address of its endpoint, for assertions and proofs too', async (t) => {
  const { secure, key, alias, issuer, reset } = await started(t, 'authorization_code', {
    senderConstraint: 'either',
  })
  const signedFor = async (aud: string) =>
    assertionForm(await assertion(key, { iss: sandboxId, sub: sandboxId, aud }))
  for (const aud of [issuer('sandbox'), `${issuer('sandbox')}/token`, `${alias}/token`])
    assert.equal(boundTo(await secure(token, await signedFor(aud), shown)), mine.thumbprint)
  for (const aud of [alias, `${alias}/par`, 'https://mtls.example/production/token'])
    assert.equal((await secure(token, await signedFor(aud), shown)).status, 401, aud)
  const proof = async (htu: string) => ({
    dpop: await assertion(
      key,
      { htm: 'POST', htu },
      { typ: 'dpop+jwt', kid: undefined, jwk: key.jwk },
    ),
  })
  const form = { grant_type: 'client_credentials', scope: own, client_id: sandboxId }
  for (const htu of [`${alias}/token`, `${issuer('sandbox')}/token`]) {
    const given = await secure(token, form, shown, await proof(htu))
    assert.equal(given.body.token_type, 'DPoP')
    assert.deepEqual(Object.keys(claimsOf(given).cnf as object), ['jkt'])
  }
  const elsewhere = await secure(token, form, shown, await proof(`${alias}/par`))
  assert.deepEqual([elsewhere.status, elsewhere.body.error], [400, 'invalid_dpop_proof'])
  // One of the two binds: what needs the certificate is not bound to a key beside it.
  reset({ senderConstraint: 'certificate' })
  unbound(await secure(token, form, shown, await proof(`${alias}/token`)), /multiple/)
})
