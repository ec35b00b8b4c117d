import assert from 'node:assert/strict'
import { createCipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { createSealing, sameSecret } from './sealing.ts'

const sealing = createSealing(Buffer.alloc(32, 7))

test('what was sealed opens to the same text, and never seals to the same twice', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, context) => {
      const sealed = sealing.seal(text, context)
      assert.equal(sealing.open(sealed, context), text)
      assert.notEqual(sealing.seal(text, context), sealed)
    }),
  )
})

test('a sealed text with any changed byte, another context or another key does not open', () => {
  const sealed = sealing.seal('secret', 'table:1')
  assert.match(sealed, /^v2\.0\./)
  const body = sealed.slice(5)
  const bytes = Buffer.from(body, 'base64url')
  for (let i = 0; i < bytes.length; i += 1) {
    const changed = Buffer.from(bytes)
    changed.writeUInt8(changed.readUInt8(i) ^ 1, i)
    assert.throws(() => sealing.open(`v2.0.${changed.toString('base64url')}`, 'table:1'))
  }
  assert.throws(() => sealing.open(sealed, 'table:2'))
  assert.throws(() => createSealing(randomBytes(32)).open(sealed, 'table:1'))
  for (const other of [sealed.slice(0, 20), `v1.${body}`, `v2.1.${body}`, `v3.0.${body}`, body, ''])
    assert.throws(() => sealing.open(other, 'table:1'))
  for (const spelling of [
    `${sealed}.x`,
    `${sealed}=`,
    `${sealed}\n`,
    ` ${sealed}`,
    `v2.0.!${body}`,
  ])
    assert.throws(() => sealing.open(spelling, 'table:1'), /unknown sealing format/)
})

test('no other spelling of a sealed text opens: not one with bits or a character left over', () => {
  const { wrapped, key } = sealing.newDataKey('subject:1')
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  for (const text of ['a', 'ab', 'abc']) {
    const spelled: [string, (one: string) => unknown][] = [
      [sealing.seal(text, 'table:1'), (one) => sealing.open(one, 'table:1')],
      [key.seal(text, 'table:1'), (one) => key.open(one, 'table:1')],
      [wrapped, (one) => sealing.openDataKey(one, 'subject:1')],
    ]
    for (const [sealed, open] of spelled) {
      open(sealed)
      for (const last of alphabet) {
        const others = [`${sealed}${last}`, `${sealed.slice(0, -1)}${last}`]
        for (const other of others) if (other !== sealed) assert.throws(() => open(other), other)
      }
    }
  }
})

test('a value of the first releases opens', () => {
  const key = Buffer.from(hkdfSync('sha256', Buffer.alloc(32, 7), 'wayleave', 'seal', 32))
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from('table:1'))
  const body = Buffer.concat([cipher.update('early'), cipher.final()])
  const sealed = Buffer.concat([iv, cipher.getAuthTag(), body]).toString('base64url')
  assert.equal(sealing.open(`v1.${sealed}`, 'table:1'), 'early')
  assert.throws(() => sealing.open(`v1.${sealed}`, 'table:2'))
})

test('what a data key sealed opens by its wrapped form, and by no other key, context or altered form', () => {
  const { wrapped, key } = sealing.newDataKey('subject:1')
  const sealed = key.seal('+99010000001', 'evidence:7')
  assert.equal(key.open(sealed, 'evidence:7'), '+99010000001')
  const again = sealing.openDataKey(wrapped, 'subject:1')
  assert.equal(again.open(sealed, 'evidence:7'), '+99010000001')
  assert.throws(() => again.open(sealed, 'evidence:8'))
  assert.throws(() => again.open(`${sealed.slice(0, -2)}AA`, 'evidence:7'))
  assert.throws(() => again.open(`${sealed}=`, 'evidence:7'), /unknown sealing format/)
  assert.throws(() => sealing.openDataKey(wrapped, 'subject:2'))
  assert.throws(() => sealing.openDataKey(sealing.seal('x'.repeat(32), 'subject:1'), 'subject:1'))
  assert.throws(() => sealing.open(wrapped, 'subject:1'))
  const other = sealing.newDataKey('subject:1')
  assert.notEqual(other.wrapped, wrapped)
  assert.throws(() => other.key.open(sealed, 'evidence:7'))
})

test('a keyed hash depends on its purpose and on the master key', () => {
  const other = createSealing(randomBytes(32))
  assert.equal(sealing.keyedHash('a', 'x'), createSealing(Buffer.alloc(32, 7)).keyedHash('a', 'x'))
  assert.notEqual(sealing.keyedHash('a', 'x'), sealing.keyedHash('b', 'x'))
  assert.notEqual(sealing.keyedHash('a', 'x'), other.keyedHash('a', 'x'))
  assert.notEqual(sealing.machineToken('a'), sealing.machineToken('b'))
})

test('secrets of different lengths compare as different, without throwing', () => {
  assert.equal(sameSecret('abc', 'abc'), true)
  assert.equal(sameSecret('abc', 'abcd'), false)
  assert.equal(sameSecret('', 'a'), false)
})

test('a keyed hash is the HMAC-SHA-256 of its purpose’s key, for texts of any length and script', () => {
  const master = Buffer.alloc(32, 5)
  const sealing = createSealing(master)
  const key = Buffer.from(hkdfSync('sha256', master, 'wayleave', 'hash:test', 32))
  const hmac = (value: string): string =>
    createHmac('sha256', key).update(value).digest('base64url')
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (value) => {
      assert.equal(sealing.keyedHash('test', value), hmac(value))
    }),
  )
  for (const length of [0, 1, 55, 64, 170, 171, 512, 513, 5_000])
    for (const character of ['a', 'é', '\u20ac'])
      assert.equal(
        sealing.keyedHash('test', character.repeat(length)),
        hmac(character.repeat(length)),
      )
})
