import assert from 'node:assert/strict'
import { test } from 'node:test'
import { quotaLines } from './quota-warnings.ts'

const at = '2026-03-31T21:30:00.000Z'
const lines = (warning: { period: string; percent: number }, now: string, timeZone = 'UTC') =>
  quotaLines({ timeZone, quotaWarnings: [{ quota: 1_000, at, ...warning }] }, new Date(now))

test('a warning says how much of which quota was used, and when', () => {
  const [line] = lines({ period: '2026-03', percent: 80 }, '2026-03-31T22:00:00Z')
  assert.match(
    line?.text ?? '',
    /^31 Mar.*: 80 % of the quota of 1\u202f000 calls for March 2026 was used\.$/,
  )
  assert.deepEqual([line?.tone, line?.now], ['warn', true])
})

test('a used-up quota says that calls are refused, as long as its period runs', () => {
  const [today] = lines({ period: '2026-03-31', percent: 100 }, '2026-03-31T22:00:00Z')
  assert.match(today?.text ?? '', /31 March 2026 was used up\. Further calls are refused/)
  assert.deepEqual([today?.tone, today?.now], ['bad', true])
  const [past] = lines({ period: '2026-03-31', percent: 100 }, '2026-04-01T00:00:00Z')
  assert.match(past?.text ?? '', /31 March 2026 was used up\.$/)
  assert.equal(past?.now, false)
})

test('whether a period runs is a matter of the contract’s time zone', () => {
  const warning = { period: '2026-03', percent: 80 }
  assert.equal(lines(warning, '2026-03-31T23:00:00Z', 'Europe/Berlin')[0]?.now, false)
  assert.equal(lines(warning, '2026-04-01T03:00:00Z', 'America/New_York')[0]?.now, true)
})
