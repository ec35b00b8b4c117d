import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { calculateJwkThumbprint } from 'jose'
import { type ProofAlgorithm, ProofSignatures } from './dpop-key.ts'
import { proofFault, readProof } from './dpop-proof.ts'
import { testProofKey } from './testing-proofs.ts'

const key = testProofKey()
const uri = 'https://api.example/sim-swap/v2/check'
const proof = (claims = {}, header = {}) =>
  key.proof({ htu: uri, ath: 'a'.repeat(43), ...claims }, header)
const signatures = new ProofSignatures()

const isSigned = (text: string): Promise<boolean> => {
  const read = readProof(text)
  if (read === undefined) return Promise.resolve(false)
  return new Promise((resolve) => {
    signatures.verify(read, resolve)
  })
}

for (const alg of [
  'ES256',
  'ES384',
  'EdDSA',
  'Ed25519',
  'PS256',
  'RS256',
] as const satisfies readonly ProofAlgorithm[])
  test(`a proof that is signed with ${alg} is read, its thumbprint is the key's, and its signature holds`, async () => {
    const { jwk, proof: make } = testProofKey(alg)
    const text = make({ htu: uri, ath: 'x' })
    assert.equal(readProof(text)?.key.thumbprint, await calculateJwkThumbprint(jwk))
    assert.equal(await isSigned(text), true)
    const [head = '', , signature = ''] = text.split('.')
    const [, otherBody = ''] = make({ htu: uri, ath: 'y' }).split('.')
    assert.equal(await isSigned(`${head}.${otherBody}.${signature}`), false)
  })

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength }).publicKey.export({ format: 'jwk' })
const { jwk } = key
const privateJwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  format: 'jwk',
})
const duplicate = Buffer.from(
  `{"typ":"dpop+jwt","alg":"ES256","alg":"ES256","jwk":${JSON.stringify(jwk)}}`,
)

for (const [what, text] of [
  ['nothing', ''],
  ['two proofs', `${proof()}, ${proof()}`],
  ['another type', proof({}, { typ: 'JWT' })],
  ['no type', proof({}, { typ: undefined })],
  ['a symmetric algorithm', proof({}, { alg: 'HS256' })],
  ['no algorithm', proof({}, { alg: 'none' })],
  ['an algorithm of another kind of key', proof({}, { alg: 'RS256' })],
  ['no key', proof({}, { jwk: undefined })],
  ['a key that is text', proof({}, { jwk: JSON.stringify(jwk) })],
  ['a private key', proof({}, { jwk: privateJwk })],
  ['a symmetric key', proof({}, { jwk: { kty: 'oct', k: 'AAAA' } })],
  ['a weak RSA key', proof({}, { alg: 'RS256', jwk: rsa(1_024) })],
  ['an RSA key with the exponent 1', proof({}, { alg: 'RS256', jwk: { ...rsa(2_048), e: 'AQ' } })],
  ['a coordinate in another spelling', proof({}, { jwk: { ...jwk, x: `${jwk.x}=` } })],
  ['a coordinate that is too short', proof({}, { jwk: { ...jwk, x: 'AAAA' } })],
  ['a key for encryption', proof({}, { jwk: { ...jwk, use: 'enc' } })],
  ['an extension that must be understood', proof({}, { crit: ['exp'] })],
  ['an unencoded payload', proof({}, { b64: false })],
  ['a name twice', `${duplicate.toString('base64url')}.${encode({})}.AAAA`],
  ['no id', proof({ jti: undefined })],
  ['an empty id', proof({ jti: '' })],
  ['an id of a kilobyte', proof({ jti: 'a'.repeat(1_024) })],
  ['an id that is a number', proof({ jti: 7 })],
  ['no method', proof({ htm: undefined })],
  ['an address that is a list', proof({ htu: [uri] })],
  ['no time', proof({ iat: undefined })],
  ['a time that is text', proof({ iat: '1' })],
  ['no token hash', proof({ ath: undefined })],
] as const)
  test(`a proof with ${what} is not read`, () => assert.equal(readProof(text), undefined))

test('a key that is no point of its curve verifies nothing', async () => {
  const text = proof({}, { jwk: { ...jwk, x: Buffer.alloc(32, 1).toString('base64url') } })
  assert.ok(readProof(text))
  assert.equal(await isSigned(text), false)
})

const nowMs = 1_800_000_000_000
const seconds = nowMs / 1_000
const request = { method: 'POST', uris: [uri], tokenHash: 'a'.repeat(43), nowMs }
for (const [what, claims, fault] of [
  ['this request', {}, undefined],
  [
    'this request, with another spelling',
    { htu: 'HTTPS://api.example:443/sim-swap/v2/./check?q' },
    undefined,
  ],
  ['another method', { htm: 'GET' }, 'proof of another request'],
  ['the method in lower case', { htm: 'post' }, 'proof of another request'],
  ['another host', { htu: uri.replace('api', 'evil') }, 'proof of another request'],
  ['another scheme', { htu: uri.replace('https', 'http') }, 'proof of another request'],
  ['another path', { htu: `${uri}/` }, 'proof of another request'],
  ['an address that is none', { htu: '/sim-swap/v2/check' }, 'proof of another request'],
  ['another token', { ath: 'b'.repeat(43) }, 'proof of another token'],
  ['60 s ago', { iat: seconds - 60 }, undefined],
  ['61 s ago', { iat: seconds - 61 }, 'proof out of time'],
  ['10 s ahead', { iat: seconds + 10 }, undefined],
  ['11 s ahead', { iat: seconds + 11 }, 'proof out of time'],
  ['the end of time', { iat: 1e300 }, 'proof out of time'],
] as const)
  test(`a proof of ${what} ${fault === undefined ? 'fits' : 'is refused'}`, () => {
    const read = readProof(proof({ iat: seconds, ...claims })) ?? assert.fail()
    assert.equal(proofFault(read, request), fault)
  })

test('whatever comes in the field is read or refused, never thrown at', () => {
  const part = fc.oneof(
    fc.base64String(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.tuple(part, part, part).map((parts) => parts.join('.')),
      ),
      (text) => {
        assert.equal(readProof(text), undefined)
      },
    ),
  )
})

test('a proof with any changed character is refused, or its signature does not hold', async () => {
  const text = proof()
  await fc.assert(
    fc.asyncProperty(fc.nat(text.length - 1), fc.constantFrom(...'ABgwQz059-_'), async (at, by) => {
      const changed = text.slice(0, at) + by + text.slice(at + 1)
      // The spare bits of the last character carry nothing.
      if (changed.slice(0, -1) === text.slice(0, -1)) return
      assert.equal(await isSigned(changed), false)
    }),
    { numRuns: 500 },
  )
})
