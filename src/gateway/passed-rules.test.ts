import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { recordedRules, rulesOf } from '#journal'
import type { Exchange } from './exchange.ts'
import { passedRules } from './passed-rules.ts'

const chain = ['authenticate', 'idempotency', 'limit-quota', 'forward', 'mask'].map((name) => ({
  name,
  apply: () => undefined,
}))
const passed = (exchange: Partial<Exchange>): string[] =>
  rulesOf(passedRules({ chain, position: chain.length, ...exchange } as Exchange))

test('each recorded rule is one of the pipeline', () => {
  const folder = path.join(import.meta.dirname, 'policies')
  const source = readdirSync(folder)
    .map((file) => readFileSync(path.join(folder, file), 'utf8'))
    .join('\n')
  for (const rule of recordedRules) assert.ok(source.includes(`'${rule}'`), rule)
})

test('the rule that refused, and those after it, did not let it pass', () => {
  assert.deepEqual(passed({}), ['authenticate', 'idempotency', 'limit-quota', 'forward', 'mask'])
  assert.deepEqual(passed({ position: 3, refusedBy: 'limit-quota' }), [
    'authenticate',
    'idempotency',
  ])
  assert.deepEqual(passed({ position: 1, refusedBy: 'authenticate' }), [])
})

test('rules that an answer from before made needless are not told as passed', () => {
  assert.deepEqual(passed({ skipped: [2, 4] }), ['authenticate', 'idempotency', 'mask'])
})
