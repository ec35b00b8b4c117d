import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { request } from 'undici'
import type { Client } from './client-source.ts'
import {
  type Answer,
  asserted,
  assertion,
  basic,
  claimsOf,
  pkce,
  sandboxId,
  sandboxSecret,
  type TestKey,
  testKey,
  testServers,
  testSettings,
} from './testing.ts'

const callback = 'https://app.example/callback'
const purpose = 'dpv:FraudPreventionAndDetection'
const ciba = 'urn:openid:params:grant-type:ciba'
const bearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const scope = `openid offline_access ${purpose} sim-swap:check`
const token = '/sandbox/token'
const own = basic(sandboxId, sandboxSecret)
const first = testKey('ES256', 'p1')
const second = testKey('ES256', 'p2')

async function started(
  t: Parameters<typeof testServers>[0],
  grantType: Client['settings']['grants'][number]['grantType'],
) {
  let offset = 0
  const clock = { now: () => new Date(Date.now() + offset) }
  const made = await testServers(t, { subscribers: true, clock })
  const advance = (seconds: number): void => {
    offset += seconds * 1_000
  }
  const key = testKey('ES256', 'k1')
  made.clients.set(sandboxId, {
    keys: [{ credentialId: 'crd_key', jwk: key.jwk }],
    settings: {
      ...testSettings,
      ...{ senderConstraint: 'dpop', refreshTokens: true, redirectUris: [callback] },
      grants: [
        { grantType: 'client_credentials', scopes: '*' },
        { grantType, purpose, scopes: '*' },
      ],
    },
  })
  /** A new proof by this key for an endpoint. */
  const proof = async (by: TestKey = first, path = token): Promise<{ dpop: string }> => ({
    dpop: await assertion(
      by,
      { htm: 'POST', htu: `${made.issuer('sandbox')}${path.slice('/sandbox'.length)}` },
      { typ: 'dpop+jwt', kid: undefined, jwk: by.jwk },
    ),
  })
  /** Who comes as itself, by its secret or by its own key. */
  const bySecret = async (form: Record<string, string>, by?: TestKey) =>
    made.post(token, form, { ...own, ...(by && (await proof(by))) })
  const byKey = async (form: Record<string, string>, by?: TestKey) =>
    made.post(
      token,
      {
        ...form,
        ...asserted(
          await assertion(key, { iss: sandboxId, sub: sandboxId, aud: made.issuer('sandbox') }),
        ),
      },
      by && (await proof(by)),
    )
  return { ...made, key, proof, bySecret, byKey, advance }
}

type Started = Awaited<ReturnType<typeof started>>

const boundTo = async (answer: Answer, key: TestKey): Promise<void> => {
  assert.equal(answer.body.token_type, 'DPoP')
  assert.deepEqual(claimsOf(answer).cnf, { jkt: await calculateJwkThumbprint(key.jwk as JWK) })
}
const refused = ({ status, body }: Answer, error: string): void =>
  assert.deepEqual([status, body.error], [400, error], JSON.stringify(body))

async function cibaTokens({ post, bySecret, advance }: Started): Promise<Answer> {
  const asked = await post('/sandbox/bc-authorize', { scope, login_hint: 'tel:+99010000001' }, own)
  assert.equal(asked.status, 200, JSON.stringify(asked.body))
  const poll = { grant_type: ciba, auth_req_id: String(asked.body.auth_req_id) }
  refused(await bySecret(poll), 'invalid_dpop_proof')
  // A poll it was all the same.
  advance(6)
  return await bySecret(poll, first)
}

test('CIBA binds to the key of the poll that gets the token', async (t) => {
  await boundTo(await cibaTokens(await started(t, ciba)), first)
})

test('a bearer assertion binds to the key of its proof, which has to be there and is used once', async (t) => {
  const { key, post, proof, issuer } = await started(t, bearer)
  const jws = await assertion(key, {
    ...{ iss: sandboxId, sub: 'tel:+99010000001', aud: issuer('sandbox') },
    scope: `${purpose} sim-swap:check`,
  })
  const form = { grant_type: bearer, assertion: jws }
  const another = async () => ({ ...form, assertion: await assertion(key, claimsOfJws(jws)) })
  refused(await post(token, await another()), 'invalid_dpop_proof')
  refused(await post(token, await another(), { dpop: 'x.y.z' }), 'invalid_dpop_proof')
  const mine = await proof(second)
  await boundTo(await post(token, form, mine), second)
  refused(await post(token, await another(), mine), 'invalid_dpop_proof')
})

test('a client that authenticates refreshes with a proof by any key of its own, and never without one', async (t) => {
  for (const how of ['bySecret', 'byKey'] as const) {
    const made = await started(t, ciba)
    const refresh = async (value: unknown, by?: TestKey) =>
      made[how]({ grant_type: 'refresh_token', refresh_token: String(value) }, by)
    let { refresh_token } = (await cibaTokens(made)).body
    refused(await refresh(refresh_token), 'invalid_dpop_proof')
    // RFC 9449, section 5: the refresh token is the client's, whose credential guards it, and not the key's.
    for (const by of [first, second]) {
      const answer = await refresh(refresh_token, by)
      await boundTo(answer, by)
      assert.equal(answer.body.refresh_token === refresh_token, how === 'byKey')
      refresh_token = answer.body.refresh_token
    }
  }
})

test('of fifty simultaneous uses of one proof on two nodes one gets a token', async (t) => {
  const { post, proof } = await started(t, ciba)
  const form = { grant_type: 'client_credentials', scope: 'sim-swap:check' }
  const one = { ...own, ...(await proof()) }
  const answers = await Promise.all(Array.from({ length: 50 }, () => post(token, form, one)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  for (const answer of answers) if (answer.status !== 200) refused(answer, 'invalid_dpop_proof')
  refused(await post(token, form, one), 'invalid_dpop_proof')
})

/** Pushes a request with a proof by the first key. @returns what its browser asks with, and the rest of the token request */
async function pushed({ post, proof }: Started) {
  const { challenge, verifier } = pkce()
  const answer = await post(
    '/sandbox/par',
    {
      ...{ client_id: sandboxId, response_type: 'code', redirect_uri: callback, scope },
      ...{ code_challenge: challenge, code_challenge_method: 'S256' },
    },
    { ...own, ...(await proof(first, '/sandbox/par')) },
  )
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  const request_uri = String(answer.body.request_uri)
  return {
    query: new URLSearchParams({ client_id: sandboxId, request_uri }).toString(),
    form: { grant_type: 'authorization_code', redirect_uri: callback, code_verifier: verifier },
  }
}

/** Where the browser is sent. */
async function visit({ servers }: Started, query: string, node = 0): Promise<string> {
  const port = servers[node]?.port()
  const answer = await request(`http://127.0.0.1:${port}/sandbox/authorize?${query}`)
  await answer.body.dump()
  return String(answer.headers.location ?? '')
}

const codeIn = (place: string): string | null => new URL(place || callback).searchParams.get('code')

test('of fifty simultaneous uses of one pushed request on two nodes one gets a code', async (t) => {
  const made = await started(t, 'authorization_code')
  const { query, form } = await pushed(made)
  const places = await Promise.all(Array.from({ length: 50 }, (_, i) => visit(made, query, i % 2)))
  const [code, ...more] = places.map(codeIn).filter((one) => one !== null)
  assert.equal(more.length, 0)
  await boundTo(await made.bySecret({ ...form, code: code ?? '' }, first), first)
})

/**
 * Sends a token request that lacks what its client can mend, each time another thing, and then as it should be.
 * @param attempt with these headers, and these parameters more
 */
async function mended(
  { proof, post }: Started,
  attempt: (dpop: { dpop?: string }, more?: Record<string, string>) => Promise<Answer>,
): Promise<Answer> {
  refused(await attempt({}), 'invalid_dpop_proof')
  refused(await attempt({ dpop: 'x.y.z' }), 'invalid_dpop_proof')
  const { dpop } = await proof()
  const unsigned = dpop.slice(0, dpop.lastIndexOf('.') + 1)
  refused(await attempt({ dpop: `${unsigned}${'A'.repeat(86)}` }), 'invalid_dpop_proof')
  const resource = 'https://elsewhere.example'
  refused(await attempt(await proof(), { resource }), 'invalid_target')
  const used = await proof()
  const form = { grant_type: 'client_credentials', scope: 'sim-swap:check' }
  assert.equal((await post(token, form, { ...own, ...used })).status, 200)
  refused(await attempt(used), 'invalid_dpop_proof')
  const answer = await attempt(await proof())
  await boundTo(answer, first)
  return answer
}

test('a code is not used up by a request that its client can mend', async (t) => {
  const made = await started(t, 'authorization_code')
  const { query, form } = await pushed(made)
  const code = codeIn(await visit(made, query)) ?? ''
  refused(await made.bySecret({ ...form, code }, second), 'invalid_grant')
  const attempt = (dpop: object, more = {}) =>
    made.post(token, { ...form, ...more, code }, { ...own, ...dpop })
  await mended(made, attempt)
  refused(await attempt(await made.proof()), 'invalid_grant')
})

test('a poll and a refresh that their client can mend use nothing up', async (t) => {
  const made = await started(t, ciba)
  const { post, advance, proof } = made
  const asked = await post('/sandbox/bc-authorize', { scope, login_hint: 'tel:+99010000001' }, own)
  const poll = { grant_type: ciba, auth_req_id: String(asked.body.auth_req_id) }
  const { body } = await mended(made, (dpop, more = {}) => {
    advance(6)
    return post(token, { ...poll, ...more }, { ...own, ...dpop })
  })
  const refresh = (dpop: object, more = {}) =>
    post(
      token,
      { grant_type: 'refresh_token', refresh_token: String(body.refresh_token), ...more },
      { ...own, ...dpop },
    )
  const { refresh_token: next } = (await mended(made, refresh)).body
  assert.notEqual(next, body.refresh_token)
  refused(await refresh(await proof()), 'invalid_grant')
})

test('an assertion is not used up by a request whose proof is missing or wrong, at any endpoint', async (t) => {
  const { challenge } = pkce()
  const cases = [
    [bearer, token, { grant_type: bearer }, [400, 'invalid_grant']],
    [
      ciba,
      token,
      { grant_type: 'client_credentials', scope: 'sim-swap:check' },
      [401, 'invalid_client'],
    ],
    [
      'authorization_code',
      '/sandbox/par',
      {
        ...{ client_id: sandboxId, response_type: 'code', redirect_uri: callback, scope },
        ...{ code_challenge: challenge, code_challenge_method: 'S256' },
      },
      [401, 'invalid_client'],
    ],
  ] as const
  for (const [grant, path, parameters, again] of cases) {
    const { key, post, proof, issuer } = await started(t, grant)
    const aud = issuer('sandbox')
    const form: Record<string, string> =
      grant === bearer
        ? {
            ...parameters,
            assertion: await assertion(key, {
              ...{ iss: sandboxId, sub: 'tel:+99010000001', aud },
              scope: `${purpose} sim-swap:check`,
            }),
          }
        : {
            ...parameters,
            ...asserted(await assertion(key, { iss: sandboxId, sub: sandboxId, aud })),
          }
    if (path === token) refused(await post(path, form), 'invalid_dpop_proof')
    refused(await post(path, form, { dpop: 'x.y.z' }), 'invalid_dpop_proof')
    const { dpop } = await proof(first, path)
    const forged = `${dpop.slice(0, dpop.lastIndexOf('.') + 1)}${'A'.repeat(86)}`
    refused(await post(path, form, { dpop: forged }), 'invalid_dpop_proof')
    const answers = await Promise.all(
      Array.from({ length: 20 }, async () => post(path, form, await proof(first, path))),
    )
    assert.equal(answers.filter(({ status }) => status < 300).length, 1)
    for (const { status, body } of answers)
      if (status >= 300) assert.deepEqual([status, body.error], again)
  }
})

/** The same claims under another id. */
function claimsOfJws(jws: string): Record<string, unknown> {
  const [, body = ''] = jws.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>
  return { ...claims, jti: randomUUID() }
}

test('an application of the FAPI 2.0 profile signs nothing with RS256', async (t) => {
  const { clients, post, proof, issuer } = await started(t, 'authorization_code')
  const form = { grant_type: 'client_credentials', scope: 'sim-swap:check' }
  const assertedBy = async (by: TestKey, alg: TestKey['alg']) =>
    asserted(
      await assertion({ ...by, alg }, { iss: sandboxId, sub: sandboxId, aud: issuer('sandbox') }),
    )
  const rsa = testKey('RS256', 'rsa')
  const send = async (alg: TestKey['alg'], by: TestKey) =>
    await post(token, { ...form, ...(await assertedBy(rsa, alg)) }, await proof(by))
  const settings = { ...testSettings, senderConstraint: 'dpop' } as const
  const keys = [{ credentialId: 'crd_key', jwk: rsa.jwk }]
  clients.set(sandboxId, { keys, settings })
  await boundTo(await send('RS256', rsa), rsa)
  clients.set(sandboxId, { keys, settings: { ...settings, profile: 'fapi2' } })
  const { status, body } = await send('RS256', first)
  assert.deepEqual([status, body.error], [401, 'invalid_client'])
  refused(await send('PS256', rsa), 'invalid_dpop_proof')
  await boundTo(await send('PS256', first), first)
})

test('an application of the FAPI 2.0 profile signs its assertions for the issuer, not for an endpoint', async (t) => {
  const { clients, key, post, proof, issuer } = await started(t, 'authorization_code')
  const form = { grant_type: 'client_credentials', scope: 'sim-swap:check' }
  const send = async (aud: string) =>
    await post(
      token,
      { ...form, ...asserted(await assertion(key, { iss: sandboxId, sub: sandboxId, aud })) },
      await proof(),
    )
  const endpoint = `${issuer('sandbox')}/token`
  await boundTo(await send(endpoint), first)
  clients.set(sandboxId, {
    keys: [{ credentialId: 'crd_key', jwk: key.jwk }],
    settings: { ...testSettings, senderConstraint: 'dpop', profile: 'fapi2' },
  })
  const { status, body } = await send(endpoint)
  assert.deepEqual([status, body.error], [401, 'invalid_client'])
  assert.match(String(body.error_description), /aud must be the issuer/)
  await boundTo(await send(issuer('sandbox')), first)
})

test('a proof is for the address of its endpoint, however that is spelt, and for no other', async (t) => {
  const { post, issuer } = await started(t, 'authorization_code')
  const endpoint = `${issuer('sandbox')}/token`
  const send = async (htu: unknown) =>
    await post(
      token,
      { grant_type: 'client_credentials', scope: 'sim-swap:check' },
      {
        ...own,
        dpop: await assertion(
          first,
          { htm: 'POST', htu },
          { typ: 'dpop+jwt', kid: undefined, jwk: first.jwk },
        ),
      },
    )
  const { protocol, host, pathname } = new URL(endpoint)
  for (const htu of [
    `${endpoint}?a=1`,
    `${endpoint}#a`,
    `${protocol.toUpperCase()}//${host.toUpperCase()}${pathname}`,
  ])
    await boundTo(await send(htu), first)
  for (const htu of [
    `${endpoint}/`,
    endpoint.toUpperCase(),
    `${protocol}//a@${host}${pathname}`,
    `${issuer('production')}/token`,
    pathname,
    [endpoint],
    undefined,
  ])
    refused(await send(htu), 'invalid_dpop_proof')
})
