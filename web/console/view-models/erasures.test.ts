import assert from 'node:assert/strict'
import { test } from 'node:test'
import { erasedRows, stateText } from './erasures.ts'

test('an erasure tells how it stands and how much it found', () => {
  assert.equal(stateText({ state: 'asked' }), 'waits for a second person')
  assert.equal(erasedRows({}), '')
  assert.equal(erasedRows({ erased: { 'audit.segment': 0 } }), 'nothing was known of them')
  assert.equal(erasedRows({ erased: { a: 1, b: 0 } }), '1 record')
  assert.equal(erasedRows({ erased: { a: 1, b: 2 } }), '3 records')
})
