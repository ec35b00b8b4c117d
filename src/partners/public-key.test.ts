import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { acceptPublicKey } from './public-key.ts'

const rsa = (modulusLength: number, publicExponent = 65_537): Record<string, unknown> => ({
  ...generateKeyPairSync('rsa', { modulusLength, publicExponent }).publicKey.export({
    format: 'jwk',
  }),
})

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve })

const point = ec('P-256').publicKey.export({ format: 'jwk' })

const base64url = (value: bigint): string => {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}

const good = rsa(2048)
const modulus = BigInt(`0x${Buffer.from(String(good.n), 'base64url').toString('hex')}`)

/** A modulus as the broken hardware made it: a power of 65537 by a product of small primes. */
function rocaModulus(): bigint {
  const primes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]
  const product = primes.reduce((all, prime) => all * BigInt(prime), 1n)
  let candidate = (modulus / product) * product + (65_537n ** 5n % product)
  while ([2n, 3n, 5n, 7n].some((prime) => candidate % prime === 0n)) candidate += product
  return candidate
}

const refused: readonly [what: string, jwk: Record<string, unknown>, message: RegExp][] = [
  ['an RSA key of 1024 bits', rsa(1024), /2048/],
  ['a modulus of 8192 bits', { ...good, n: base64url(modulus ** 4n) }, /4096/],
  ['the exponent 1', { ...good, e: base64url(1n) }, /exponent|valid/],
  ['the exponent 3', rsa(2048, 3), /exponent/],
  ['an even exponent', { ...good, e: base64url(65_538n) }, /exponent/],
  ['an exponent that is expensive', { ...good, e: base64url((1n << 61n) - 1n) }, /exponent/],
  ['an even modulus', { ...good, n: base64url(modulus - 1n) }, /factor/],
  ['a modulus of broken hardware', { ...good, n: base64url(rocaModulus()) }, /ROCA/],
  ['another curve', { ...ec('P-384').publicKey.export({ format: 'jwk' }) }, /P-256/],
  ['a point off the curve', { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' }, /valid/],
  ['a private key', { ...ec('P-256').privateKey.export({ format: 'jwk' }) }, /private key/],
  ['a symmetric key', { kty: 'oct', k: 'c2VjcmV0' }, /private key/],
  ['numbers for text', { kty: 'RSA', n: 1, e: 2 }, /must have the member n/],
  ['nothing', {}, /kty/],
  ['a key for encryption', { ...good, use: 'enc' }, /signatures/],
  ['an algorithm of another size', { ...good, alg: 'RS512' }, /alg RS256 or PS256/],
  ['an algorithm of another curve', { ...point, alg: 'ES512' }, /alg ES256/],
  ['a name that is empty', { ...point, kid: '' }, /kid/],
  ['a name that is a number', { ...point, kid: 7 }, /kid/],
  ['a name that no database keeps', { ...point, kid: 'a\0b' }, /kid/],
  ['a name without end', { ...point, kid: 'k'.repeat(257) }, /kid/],
]

for (const [what, jwk, message] of refused) {
  test(`${what} is refused`, async () => {
    await assert.rejects(acceptPublicKey(jwk), message)
  })
}

test('a sound key is kept without anything that verification does not need', async () => {
  const kept = await acceptPublicKey({ ...good, kid: 'mine', alg: 'PS256', more: 'x' })
  assert.deepEqual(Object.keys(kept).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  assert.equal(kept.alg, 'PS256')
  assert.equal((await acceptPublicKey({ ...point })).alg, 'ES256')
})

test('a key keeps the name that its owner signs under', async () => {
  for (const kid of [
    '1234example=',
    'a+/b==',
    'PYYO:TEWU',
    'arn:aws:kms:eu:1:key/2',
    'Schlüssel 1',
  ])
    assert.equal((await acceptPublicKey({ ...point, kid })).kid, kid)
  assert.match((await acceptPublicKey({ ...point })).kid, /^[\w-]{43}$/)
})
