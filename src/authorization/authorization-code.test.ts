import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { request } from 'undici'
import {
  assertion,
  assertionForm,
  basic,
  sandboxId,
  sandboxSecret,
  testKey,
  testServers,
  testSettings,
} from './testing.ts'

const callback = 'https://app.example/callback'
const purpose = 'dpv:FraudPreventionAndDetection'
const codeSettings = {
  ...testSettings,
  redirectUris: [callback, 'http://127.0.0.1/cb'],
  grants: [
    { grantType: 'client_credentials', scopes: '*' },
    { grantType: 'authorization_code', purpose, scopes: '*' },
  ],
} as const

async function code(t: Parameters<typeof testServers>[0]) {
  const servers = await testServers(t, { subscribers: true })
  servers.clients.set(sandboxId, { settings: codeSettings })
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const parameters: Record<string, string> = {
    client_id: sandboxId,
    response_type: 'code',
    redirect_uri: callback,
    scope: `openid ${purpose} sim-swap:check`,
    state: 'xyz',
    nonce: 'n-1',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  let turn = 0
  const visit = async (
    path: string,
    options: { headers?: Record<string, string>; method?: 'GET' | 'POST'; body?: string } = {},
  ) => {
    const server = servers.servers[turn++ % servers.servers.length]
    assert.ok(server)
    const answer = await request(`http://127.0.0.1:${server.port()}${path}`, options)
    const location = String(answer.headers.location ?? '')
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text: await answer.body.text(),
      location,
      query: new URL(location === '' ? 'http://none' : location).searchParams,
    }
  }
  const authorize = (change: Record<string, string | undefined> = {}) =>
    visit(`/sandbox/authorize?${queryOf({ ...parameters, ...change })}`)
  const redeem = (value: string, change: Record<string, string> = {}) =>
    servers.post(
      '/sandbox/token',
      {
        grant_type: 'authorization_code',
        code: value,
        redirect_uri: callback,
        code_verifier: verifier,
        ...change,
      },
      basic(sandboxId, sandboxSecret),
    )
  return { ...servers, parameters, verifier, visit, authorize, redeem }
}

const queryOf = (given: Record<string, string | undefined>): string =>
  new URLSearchParams(
    Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined),
  ).toString()

test('gives a code to the registered page, and for it tokens that name nobody', async (t) => {
  const { authorize, redeem, issuer, platform } = await code(t)
  const answer = await authorize()
  assert.equal(answer.status, 303, answer.text)
  assert.ok(answer.location.startsWith(`${callback}?`), answer.location)
  assert.equal(answer.query.get('state'), 'xyz')
  assert.equal(answer.query.get('iss'), issuer('sandbox'))
  assert.equal(answer.headers['set-cookie'], undefined)
  const { status, body } = await redeem(answer.query.get('code') ?? '')
  assert.equal(status, 200, JSON.stringify(body))
  assert.equal(body.expires_in, 300)
  const access = decodeJwt(String(body.access_token))
  assert.equal(access.pur, purpose)
  assert.match(String(access.gnt), /^gnt_[0-9a-z]{20}$/)
  assert.deepEqual(access.amr, ['nbma'])
  assert.equal(access.cns, undefined)
  const sealing = platform.sealing.child('gateway:sandbox')
  assert.equal(sealing.open(String(access.sbj), `subject:${sandboxId}`), '+99012345678')
  const id = decodeJwt(String(body.id_token))
  assert.equal(id.sub, access.sub)
  assert.equal(id.nonce, 'n-1')
  assert.equal(id.aud, sandboxId)
  for (const text of [JSON.stringify(access), JSON.stringify(id)])
    assert.doesNotMatch(text, /99012345678/)
  void assertion
  void assertionForm
  void testKey
})
