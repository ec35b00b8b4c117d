import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endOf } from './credential-row.ts'

const nowMs = Date.parse('2026-03-01T12:00:00Z')
for (const [expiresAt, state, days] of [
  [undefined, 'never', 0],
  ['2026-03-01T12:00:00Z', 'over', 0],
  ['2026-03-01T12:00:01Z', 'soon', 0],
  ['2026-03-30T12:00:00Z', 'soon', 29],
  ['2026-03-31T12:00:00Z', 'later', 30],
] as const)
  test(`a credential that ends ${expiresAt ?? 'never'} is told as ${state}`, () => {
    assert.deepEqual(endOf(expiresAt === undefined ? {} : { expiresAt }, nowMs), { state, days })
  })
