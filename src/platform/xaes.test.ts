import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { messageKey } from './xaes.ts'

const nonce = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWX')

test('the published test vectors of XAES-256-GCM come out, for both values of the doubling carry', () => {
  const of = (byte: number, aad: string): string =>
    messageKey(Buffer.alloc(32, byte))
      .encrypt(Buffer.from('XAES-256-GCM'), nonce, Buffer.from(aad))
      .subarray(24)
      .toString('hex')
  assert.equal(of(1, ''), 'ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271')
  assert.equal(
    of(3, 'c2sp.org/XAES-256-GCM'),
    '986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d',
  )
})

test('a message opens to what was put in, and not with any byte, key or bound text changed', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 100 }),
      fc.string(),
      fc.nat({ max: 1_000 }),
      (text, aad, seed) => {
        const key = messageKey(createHash('sha256').update(`${seed}`).digest())
        const message = key.encrypt(Buffer.from(text), nonce, Buffer.from(aad))
        assert.deepEqual(key.decrypt(message, Buffer.from(aad)), Buffer.from(text))
        const changed = Buffer.from(message)
        const at = seed % changed.length
        changed[at] = (changed[at] ?? 0) ^ 0x10
        assert.throws(() => key.decrypt(changed, Buffer.from(aad)))
        assert.throws(() => key.decrypt(message, Buffer.from(`${aad}x`)))
        assert.throws(() => messageKey(Buffer.alloc(32, 9)).decrypt(message, Buffer.from(aad)))
      },
    ),
  )
})
