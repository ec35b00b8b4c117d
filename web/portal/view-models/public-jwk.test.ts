import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { readPublicJwk } from './public-jwk.ts'

const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })

test('a public key passes, alone or as a set of one', () => {
  const jwk = pair.publicKey.export({ format: 'jwk' })
  assert.deepEqual(readPublicJwk(JSON.stringify(jwk)), { ok: true, jwk })
  assert.deepEqual(readPublicJwk(JSON.stringify({ keys: [jwk] })), { ok: true, jwk })
})

test('a private key never passes, in any of its forms', () => {
  const pem = pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const jwk = pair.privateKey.export({ format: 'jwk' })
  for (const text of [
    pem,
    JSON.stringify(jwk),
    JSON.stringify({ keys: [jwk] }),
    '{"kty":"oct","k":"AA"}',
  ])
    assert.equal(readPublicJwk(text).ok, false)
})

test('what is no key is refused with the reason', () => {
  for (const text of ['', 'ssh-rsa AAAA', '{}', '[]', '{"keys":[]}', 'null'])
    assert.equal(readPublicJwk(text).ok, false)
})
