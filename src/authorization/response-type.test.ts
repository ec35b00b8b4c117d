import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import {
  assertion,
  basic,
  pkce,
  sandboxId,
  sandboxSecret,
  testKey,
  testServers,
  testSettings,
} from './testing.ts'

const callback = 'https://app.example/callback'
const purpose = 'dpv:FraudPreventionAndDetection'

async function asking(t: Parameters<typeof testServers>[0]) {
  const made = await testServers(t, { subscribers: true, count: 1 })
  const key = testKey('ES256', 'k1')
  made.clients.set(sandboxId, {
    keys: [{ credentialId: 'crd_key', jwk: key.jwk }],
    settings: {
      ...testSettings,
      redirectUris: [callback],
      grants: [{ grantType: 'authorization_code', purpose, scopes: '*' }],
    },
  })
  const parameters = {
    ...{ client_id: sandboxId, redirect_uri: callback, state: 'xyz', response_type: 'code' },
    scope: `openid ${purpose} sim-swap:check`,
    ...{ code_challenge: pkce().challenge, code_challenge_method: 'S256', nonce: 'n' },
  }
  const authorize = async (change: Record<string, string>) => {
    const query = new URLSearchParams({ ...parameters, ...change })
    const address = `http://127.0.0.1:${made.servers[0]?.port()}/sandbox/authorize?${query}`
    const { statusCode, headers, body } = await request(address)
    return { status: statusCode, location: String(headers.location ?? ''), text: await body.text() }
  }
  const signed = (claims: Record<string, string>) =>
    assertion(key, {
      ...{ iss: sandboxId, aud: made.issuer('sandbox'), ...parameters, ...claims },
    })
  return { ...made, parameters, authorize, signed }
}

/** Whatever is not `code`: OAuth's own, OpenID's, nobody's, and a spelling that is another value. */
const others = ['token', 'id_token', 'code token', 'code id_token token', 'none', 'device', 'CODE']

test('a response type that is not served is told to the registered page, at which nothing is left', async (t) => {
  const { authorize, signed, parameters, issuer } = await asking(t)
  const { client_id, redirect_uri } = parameters
  for (const response_type of others) {
    const plain = await authorize({ response_type })
    const signedRequest = { request: await signed({ response_type }), response_type }
    for (const answer of [plain, await authorize({ ...signedRequest, client_id, redirect_uri })]) {
      assert.equal(answer.status, 303, answer.text)
      const there = new URL(answer.location)
      assert.equal(`${there.origin}${there.pathname}`, callback, response_type)
      // OAuth 2.0 Multiple Response Type Encoding: where a token was asked for, the answer is in the fragment.
      const told = new URLSearchParams(there.search === '' ? there.hash.slice(1) : there.search)
      assert.deepEqual(Object.fromEntries(told), {
        error: 'unsupported_response_type',
        error_description: 'unsupported response_type requested',
        state: 'xyz',
        iss: issuer('sandbox'),
      })
    }
  }
})

test('a code is put into no fragment', async (t) => {
  const { authorize } = await asking(t)
  const { status, location } = await authorize({ response_mode: 'fragment' })
  assert.equal(status, 303)
  const there = new URL(location)
  const answer = new URLSearchParams(there.hash.slice(1))
  assert.deepEqual([answer.get('error'), answer.get('code')], ['invalid_request', null])
  assert.equal(there.search, '')
})

test('nor is it ever told to a page that is not registered', async (t) => {
  const { authorize, signed, parameters } = await asking(t)
  const { client_id } = parameters
  for (const response_type of [...others, '']) {
    for (const redirect_uri of ['https://evil.example/', `${callback}/x`, `${callback}?a=1`]) {
      const change = { response_type, redirect_uri }
      for (const answer of [
        await authorize(change),
        await authorize({ ...change, request: await signed(change), client_id }),
        await authorize({ ...change, response_mode: 'fragment' }),
      ])
        assert.deepEqual([answer.status, answer.location], [400, ''], JSON.stringify(change))
    }
  }
})

test('where it is pushed the client itself is told', async (t) => {
  const { post, parameters } = await asking(t)
  for (const response_type of others) {
    const form = { ...parameters, response_type }
    const answer = await post('/sandbox/par', form, basic(sandboxId, sandboxSecret))
    assert.deepEqual([answer.status, answer.body.error], [400, 'unsupported_response_type'])
  }
})
