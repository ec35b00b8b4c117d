import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isCheckedText, newCheckedText } from './checked-text.ts'

test('a new text has its prefix, its length and a checksum, and is never the same', () => {
  const made = Array.from({ length: 200 }, () => newCheckedText('wl_test_', 43))
  for (const text of made) {
    assert.match(text, /^wl_test_[0-9A-Za-z]{49}$/)
    assert.ok(isCheckedText(text))
  }
  assert.equal(new Set(made).size, made.length)
})

test('any one character that is mistyped, and any two that are swapped, are noticed', () => {
  const alphabet = [...'0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_']
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(...alphabet), (seed, other) => {
      const text = newCheckedText('wl_test_', 43)
      const at = seed % text.length
      const typo = text.slice(0, at) + other + text.slice(at + 1)
      assert.equal(isCheckedText(typo), typo === text)
      const [a = '', b = ''] = text.slice(at, at + 2)
      const swapped = text.slice(0, at) + b + a + text.slice(at + 2)
      assert.equal(isCheckedText(swapped), swapped === text)
    }),
    { numRuns: 1_000 },
  )
  assert.equal(isCheckedText(''), false)
  assert.equal(isCheckedText('abcdef'), false)
})
