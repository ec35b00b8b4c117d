import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { UsageRow } from '#metering/schema'
import { chartOf, daysBetween, groupUsage, lastDays, usageCsv } from './usage.ts'

const row = (changes: Partial<UsageRow>): UsageRow => ({
  day: '2026-11-20',
  environment: 'sandbox',
  applicationId: 'app_1',
  apiId: 'sim-swap/v2',
  operationId: 'checkSimSwap',
  status: 200,
  calls: 1,
  units: 1,
  amount: '0.1',
  listAmount: '0.2',
  currency: 'EUR',
  ...changes,
})
const name = (id: string): string => (id === 'app_1' ? 'Shop' : id)

test('amounts are added exactly', () => {
  const [group] = groupUsage(
    [row({}), row({ amount: '0.2' }), row({ amount: '0.0000001' })],
    'API',
    name,
  )
  assert.equal(group?.amount, '0.3000001')
  assert.equal(group?.calls, 3)
})

test('the busiest group comes first, days the newest first', () => {
  const rows = [row({ calls: 2 }), row({ apiId: 'x/v1', calls: 9, day: '2026-11-19' })]
  assert.deepEqual(
    groupUsage(rows, 'API', name).map((g) => g.key),
    ['x/v1', 'sim-swap/v2'],
  )
  assert.deepEqual(
    groupUsage(rows, 'Day', name).map((g) => g.key),
    ['2026-11-20', '2026-11-19'],
  )
  assert.deepEqual(
    groupUsage(rows, 'Application', name).map((g) => g.key),
    ['Shop'],
  )
  assert.deepEqual(
    groupUsage([row({ status: 404 })], 'Status', name).map((g) => g.key),
    ['404'],
  )
})

test('the chart has each day of the period, and what is beyond the busiest five together', () => {
  const rows = Array.from({ length: 7 }, (_, i) => row({ apiId: `api-${i}/v1`, calls: 10 - i }))
  const { days, series } = chartOf({ from: '2026-11-19', to: '2026-11-21', rows }, 'API', name)
  assert.deepEqual(
    days.map((d) => d.day),
    ['2026-11-19', '2026-11-20', '2026-11-21'],
  )
  assert.equal(series.length, 6)
  assert.equal(days[1]?.other, 5 + 4)
  assert.equal(days[0]?.['api-0/v1'], 0)
})

test('the last days end today, also over the end of a month', () => {
  assert.deepEqual(lastDays(3, new Date('2026-03-01T10:00:00Z')), {
    from: '2026-02-27',
    to: '2026-03-01',
  })
  assert.equal(daysBetween('2026-02-27', '2026-03-01').length, 3)
})

test('the file for a spreadsheet cannot carry a formula', () => {
  const csv = usageCsv([row({ applicationId: '=HYPERLINK("x")', amount: '-0.5' })])
  assert.match(csv, /"'=HYPERLINK\(""x""\)"/)
  assert.match(csv, /,-0\.5,/)
})
