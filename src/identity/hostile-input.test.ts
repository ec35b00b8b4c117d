import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSessionCookie } from './session-cookie.ts'
import { goodPassword, identityUnderTest } from './testing.ts'

test('text that no database takes is a fault of the request, not of ours', async (t) => {
  const { call, member, operator } = await identityUnderTest(t)
  const ada = await member('ada@example.com')
  const grace = await operator()
  const { cookie } = grace
  const nul = 'a\u0000b'
  const turned = 'a\u202eb'
  const accepting = { token: 'x', password: goodPassword }
  const requests: [string, string, object][] = [
    ['POST', '/session', { body: { email: nul, password: nul } }],
    ['POST', '/recovery', { body: { email: `${nul}@example.com` } }],
    ['POST', '/recovery/reset', { body: { token: nul, password: `${nul} harbour 58 lantern` } }],
    ['POST', '/email-verification/confirm', { body: { token: nul } }],
    ['POST', '/invitations/accept', { body: { token: nul, name: nul, password: goodPassword } }],
    ['POST', '/tokens', { cookie, body: { name: nul } }],
    // What is not seen, or turns the words around it, is no name either.
    ['POST', '/tokens', { cookie, body: { name: turned } }],
    ['POST', '/invitations/accept', { body: { ...accepting, name: turned } }],
    ['POST', '/invitations/accept', { body: { ...accepting, name: '\u200b' } }],
    ['POST', '/operators/first', { body: { ...accepting, email: 'x@example.com', name: turned } }],
    ['GET', '/partners/%00/members', { cookie }],
    ['PATCH', `/partners/${ada.partnerId}/members/%00`, { cookie, body: { role: 'viewer' } }],
    ['DELETE', `/partners/${ada.partnerId}/members/%00`, { cookie }],
    ['DELETE', '/tokens/%00', { cookie }],
  ]
  for (const [method, url, given] of requests) {
    const answer = await call(method, url, given)
    assert.equal(answer.status, 400, `${method} ${url}`)
    assert.equal(answer.body.code, 'INVALID_ARGUMENT')
  }
})

test('no body makes a public route fail', async (t) => {
  const { call } = await identityUnderTest(t)
  const urls = [
    '/session',
    '/recovery',
    '/recovery/reset',
    '/email-verification/confirm',
    '/invitations/accept',
    '/operators/first',
    '/session/passkey-options',
    '/session/second-factor',
    '/session/passkey',
  ]
  const bodies = fc.sample(
    fc.record(
      {
        email: fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress(), fc.jsonValue()),
        password: fc.oneof(fc.string({ unit: 'binary', minLength: 12 }), fc.jsonValue()),
        token: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
        name: fc.oneof(fc.string({ unit: 'binary' }), fc.jsonValue()),
      },
      { requiredKeys: [] },
    ),
    { numRuns: 15, seed: 7 },
  )
  for (const url of urls) {
    for (const body of [...bodies, null, [], 5, 'text', { __proto__: null }]) {
      const { status } = await call('POST', url, { body })
      assert.ok(status < 500, `${status} for ${url} ${JSON.stringify(body)}`)
    }
  }
})

test('no answer of an authenticator makes a route fail, whatever bytes it is made of', async (t) => {
  const { call, member } = await identityUnderTest(t)
  const { cookie } = await member('ada@example.com')
  const bytes = fc
    .uint8Array({ minLength: 1, maxLength: 300 })
    .map((octets) => Buffer.from(octets).toString('base64url'))
  const clientData = fc
    .oneof(
      fc.jsonValue(),
      fc.record({
        type: fc.constantFrom('webauthn.get', 'webauthn.create'),
        challenge: fc.oneof(fc.string(), fc.jsonValue()),
        origin: fc.oneof(fc.constant('http://localhost'), fc.jsonValue()),
        tokenBinding: fc.oneof(fc.constant(undefined), fc.jsonValue()),
      }),
    )
    .map((value) => Buffer.from(JSON.stringify(value)).toString('base64url'))
  const answers = fc.sample(
    fc.record({
      id: bytes,
      clientDataJSON: fc.oneof(bytes, clientData),
      authenticatorData: bytes,
      attestationObject: bytes,
      signature: bytes,
      userHandle: bytes,
    }),
    { numRuns: 60, seed: 11 },
  )
  for (const { id, attestationObject, clientDataJSON, ...rest } of answers) {
    const common = { id, rawId: id, type: 'public-key' }
    const got = { ...common, response: { ...rest, clientDataJSON } }
    const made = { ...common, response: { clientDataJSON, attestationObject } }
    const statuses = await Promise.all([
      call('POST', '/session/passkey', { body: { response: got } }),
      call('POST', '/session/step-up', { cookie, body: { method: 'passkey', response: got } }),
      call('POST', '/factors/passkeys', { cookie, body: { name: 'x', response: made } }),
    ])
    assert.deepEqual(
      statuses.map(({ status }) => status >= 400 && status < 500),
      [true, true, true],
    )
  }
})

test('the cookie is found among any others, and anything that is not an id is none', () => {
  const cookie = createSessionCookie('https://portal.example')
  const base64url = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
  const secrets = fc
    .array(fc.constantFrom(...base64url), { minLength: 43, maxLength: 43 })
    .map((letters) => letters.join(''))
  const others = fc.array(fc.stringMatching(/^[a-z]{1,8}=[^;]*$/), { maxLength: 5 })
  fc.assert(
    fc.property(secrets, others, others, (secret, before, after) => {
      const own = cookie.set(secret).split(';', 1)[0] ?? ''
      assert.equal(cookie.read([...before, own, ...after].join('; ')), secret)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (value) => {
      const read = cookie.read(`${cookie.name}=${value}`)
      assert.ok(read === undefined || /^[\w-]{43}$/.test(read))
    }),
  )
})
