import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { SnapshotIndex } from '../snapshot-index.ts'
import { audience, issuer, silent, testKey } from '../testing.ts'
import { TokenVerifier, type Verdict } from './token-verifier.ts'

const key = testKey()
const other = testKey('key-1')
const change = { environment: 'sandbox', revision: 1, kind: 'key' } as const

function verifier() {
  const index = new SnapshotIndex({
    log: silent,
    onApi: () => undefined,
    onKeys: () => tokens.forget(),
  })
  const tokens: TokenVerifier = new TokenVerifier({
    issuer,
    audience,
    keyOf: (id) => index.key(id),
    cached: 8,
  })
  index.apply([{ ...change, id: key.entry.id, entry: key.entry }], true)
  return { tokens, index }
}

const check = (tokens: TokenVerifier, jws: string, nowMs = Date.now()): Promise<Verdict> => {
  const digest = TokenVerifier.digest(jws)
  if (digest === undefined) return Promise.resolve({ ok: false, reason: 'form' })
  return new Promise((resolve) => {
    tokens.verify(jws, digest, nowMs, resolve)
  })
}

test('accepts a token of the issuer for this gateway, and reads what it says', async () => {
  const verdict = await check(verifier().tokens, key.token(7, { scope: 'a b  c' }))
  assert.ok(verdict.ok)
  assert.equal(verdict.token.clientId, 'wl_sbx_7')
  assert.equal(verdict.token.credentialId, 'crd_7')
  assert.deepEqual([...verdict.token.scopes], ['a', 'b', 'c'])
})

const seconds = Math.floor(Date.now() / 1_000)
const refused: readonly [string, string][] = [
  ['another issuer', key.token(1, { iss: 'http://localhost:8085/production' })],
  ['another audience', key.token(1, { aud: 'http://localhost:8081' })],
  ['no audience', key.token(1, { aud: undefined })],
  ['an audience that is an object', key.token(1, { aud: { [audience]: true } })],
  ['expired', key.token(1, { exp: seconds - 1 })],
  ['no expiry', key.token(1, { exp: undefined })],
  ['an expiry that is text', key.token(1, { exp: '9999999999' })],
  ['issued in the future', key.token(1, { iat: seconds + 60 })],
  ['not yet valid', key.token(1, { nbf: seconds + 60 })],
  ['no credential', key.token(1, { crd: undefined })],
  ['no client', key.token(1, { client_id: undefined })],
  ['a scope that is a list', key.token(1, { scope: ['a'] })],
  ['a token that is bound to a key', key.token(1, { cnf: { jkt: 'x' } })],
  ['an id token', key.token(1, {}, { typ: 'JWT' })],
  ['no type', key.token(1, {}, { typ: undefined })],
  ['another algorithm', key.token(1, {}, { alg: 'ES384' })],
  ['no algorithm', key.token(1, {}, { alg: 'none' })],
  ['a symmetric algorithm', key.token(1, {}, { alg: 'HS256' })],
  ['an unknown key', key.token(1, {}, { kid: 'key-2' })],
  ['a key that comes along', key.token(1, {}, { kid: undefined, jwk: key.entry.jwk })],
  ['an extension that must be understood', key.token(1, {}, { crit: ['exp'] })],
  ['another key of the same name', other.token(1)],
  ['a signature that was cut off', key.token(1).replace(/\.[^.]*$/, '.')],
  ['a signature of nothing', `${key.token(1).replace(/\.[^.]*$/, '.')}${'A'.repeat(86)}`],
]
for (const [what, jws] of refused)
  test(`refuses a token: ${what}`, async () => {
    const verdict = await check(verifier().tokens, jws)
    assert.equal(verdict.ok, false)
  })

test('a token has one spelling: any changed, added or removed character is refused', async () => {
  const { tokens } = verifier()
  const jws = key.token(1)
  const character = fc.constantFrom(...'ABgwQz059-_=.+/ \t\n%'.split(''))
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: jws.length }),
      character,
      fc.constantFrom(0, 1),
      async (at, changed, removed) => {
        const altered = jws.slice(0, at) + changed + jws.slice(at + removed)
        if (altered === jws) return
        assert.equal((await check(tokens, altered)).ok, false)
      },
    ),
    { numRuns: 500 },
  )
})

test('a verified token is remembered until it expires, for 60 s at most, and until the keys change', async () => {
  const { tokens, index } = verifier()
  const jws = key.token(1, { exp: seconds + 30 })
  const digest = TokenVerifier.digest(jws) ?? assert.fail()
  const nowMs = Date.now()
  assert.ok((await check(tokens, jws, nowMs)).ok)
  assert.ok(tokens.cached(digest, nowMs))
  assert.equal(tokens.cached(digest, (seconds + 30) * 1_000), undefined)
  const long = key.token(2, { exp: seconds + 3_600 })
  const longDigest = TokenVerifier.digest(long) ?? assert.fail()
  assert.ok((await check(tokens, long, nowMs)).ok)
  assert.ok(tokens.cached(longDigest, nowMs + 59_000))
  assert.equal(tokens.cached(longDigest, nowMs + 60_001), undefined)
  index.apply([{ ...change, id: key.entry.id, entry: undefined }], false)
  assert.equal(tokens.cached(longDigest, nowMs), undefined)
  assert.equal((await check(tokens, long, nowMs)).ok, false)
})

test('a key that is withdrawn while a signature is checked does not let the token in', async () => {
  const { tokens, index } = verifier()
  const verdict = check(tokens, key.token(1))
  index.apply([{ ...change, id: key.entry.id, entry: undefined }], false)
  assert.equal((await verdict).ok, false)
})

test('equal tokens at the same time are verified once, and the memory is bounded', async () => {
  const { tokens } = verifier()
  const jws = key.token(1)
  const same = Promise.all(Array.from({ length: 20 }, () => check(tokens, jws)))
  assert.equal(tokens.verifying, 1)
  assert.ok((await same).every((verdict) => verdict.ok))
  const issued = Array.from({ length: 40 }, (_, i) => key.token(i))
  for (const each of issued) await check(tokens, each)
  const kept = issued.filter((each) => tokens.cached(TokenVerifier.digest(each) ?? '', Date.now()))
  assert.ok(kept.length <= 8)
})

test('only P-256 keys become signing keys', () => {
  const { index } = verifier()
  const jwk = { kty: 'RSA', n: 'AQAB', e: 'AQAB' }
  index.apply([{ ...change, id: 'rsa', entry: { kind: 'key', id: 'rsa', issuer, jwk } }], false)
  assert.equal(index.key('rsa'), undefined)
  assert.ok(index.key('key-1'))
  assert.ok(sign)
})
