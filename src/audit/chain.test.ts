import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { canonicalJson } from './verify.mjs'

test('canonical JSON says the same for the same value, in whatever order it was built', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (value) => {
      const reversed = Object.fromEntries(Object.entries(value).reverse())
      const text = canonicalJson(value)
      assert.equal(canonicalJson(reversed), text)
      assert.equal(canonicalJson(JSON.parse(text)), text)
    }),
  )
})

test('canonical JSON has no white space and orders members by their code units', () => {
  const value = { b: [1, { d: null, c: 'ä"' }], a: true, Z: 'x', '1': 0 }
  assert.equal(canonicalJson(value), '{"1":0,"Z":"x","a":true,"b":[1,{"c":"ä\\"","d":null}]}')
})
