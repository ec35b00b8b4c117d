import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { enableLinearPatterns, linearPattern } from './linear-pattern.ts'

test('each pattern of a schema is matched by itself, not by the first one', () => {
  const ajv = new Ajv2020({
    code: { regExp: Object.assign(linearPattern, { code: 'linearPattern' }) },
  })
  const valid = ajv.compile({
    properties: {
      a: { type: 'string', pattern: '^[a-z]+$' },
      b: { type: 'string', pattern: '^\\+[1-9][0-9]{4,14}$' },
    },
  })
  assert.equal(valid({ a: 'abc', b: '+34671999000' }), true)
  assert.equal(valid({ a: '+34671999000', b: '+34671999000' }), false)
  assert.equal(valid({ a: 'abc', b: 'abc' }), false)
})

test('a pattern that backtracks without end on other engines ends', () => {
  enableLinearPatterns()
  const before = process.cpuUsage()
  assert.equal(linearPattern('^(a+)+$', 'u').test(`${'a'.repeat(40)}!`), false)
  assert.ok(process.cpuUsage(before).user < 1_000_000)
})

test('characters beyond 16 bits match where any character does', () => {
  assert.equal(linearPattern('^.{3}$', 'u').test('a😀b'), true)
  assert.equal(linearPattern('^[a-z]{3}$', 'u').test('a😀b'), false)
})
