import assert from 'node:assert/strict'
import { test } from 'node:test'
import { served, staff } from '#contracts/testing'
import type { NewRecord } from '#journal'
import type { Environment } from '#platform/config'
import { testFolder } from '#platform/testing-folder'
import { exchange, testMetering, writeSegments } from './testing.ts'

/** Calls of a partner, so many days before the present of these tests. */
const calls = (
  partner: number,
  days: number,
  count: number,
  more: Partial<NewRecord> = {},
): NewRecord[] =>
  Array.from({ length: count }, (_, i) =>
    exchange(`${partner}-${days}-${i}-${more.environment ?? ''}${more.apiId ?? ''}`, {
      at: Date.parse('2026-03-01T10:07:00Z') - days * 86_400_000,
      partnerId: `prt_${partner}`,
      applicationId: `app_${partner}${i % 2}`,
      ...more,
    }),
  )

async function setUp(t: Parameters<typeof testMetering>[0] & Parameters<typeof served>[0]) {
  const under = await testMetering(t)
  const count = async (environment: Environment, records: NewRecord[]): Promise<void> => {
    for (const { claim, bytes } of await writeSegments(testFolder(t), [records], {
      environment,
      gatewayId: `gtw_${environment}`,
    }))
      await under.metering.intake(environment, claim, bytes)
  }
  await count('sandbox', [
    ...calls(1, 0, 3),
    ...calls(1, 29, 2),
    ...calls(2, 40, 4),
    ...calls(3, 1, 2, { apiId: 'otp/v1' }),
    ...calls(4, 1, 1, { units: 0, status: 403 }),
    exchange('anonymous', {
      partnerId: '',
      applicationId: '',
      units: 0,
      status: 401,
    }),
  ])
  await count('production', calls(1, 5, 2, { environment: 'production' }))
  const call = await served(t, under.platform, under.metering.routes)
  return { ...under, call }
}

test('shows who still uses a version, by the last call, with the calls of the days that are asked', async (t) => {
  const { call } = await setUp(t)
  const { status, body } = await call(staff(), 'GET', '/apis/sim-swap/versions/v2/usage')
  assert.equal(status, 200)
  const row = (partnerId: string, environment: string, lastUsedAt: string, ...n: number[]) => ({
    partnerId,
    environment,
    applications: n[0],
    calls: n[1],
    units: n[2],
    lastUsedAt,
  })
  assert.deepEqual(body.items, [
    row('prt_1', 'sandbox', '2026-03-01T10:00:00.000Z', 2, 5, 5),
    row('prt_4', 'sandbox', '2026-02-28T10:00:00.000Z', 1, 1, 0),
    row('prt_1', 'production', '2026-02-24T10:00:00.000Z', 2, 2, 2),
    row('prt_2', 'sandbox', '2026-01-20T10:00:00.000Z', 2, 0, 0),
  ])
  assert.equal(body.pagination.totalCount, 4)
  const narrow = await call(
    staff(),
    'GET',
    '/apis/sim-swap/versions/v2/usage?days=7&environment=sandbox&perPage=1',
  )
  assert.equal(narrow.body.items[0].calls, 3)
  assert.equal(narrow.body.pagination.totalCount, 3)
  const none = await call(staff(), 'GET', '/apis/no-such/versions/v1/usage')
  assert.deepEqual(none.body.items, [])
  for (const query of ['days=0', 'days=91', 'environment=test', 'days=x', 'partner=1'])
    assert.equal(
      (await call(staff(), 'GET', `/apis/sim-swap/versions/v2/usage?${query}`)).status,
      400,
      query,
    )
})

test('names the partners that called since a moment, in either environment, and no stranger', async (t) => {
  const { metering } = await setUp(t)
  const since = (days: number) => new Date(Date.parse('2026-03-01T12:00:00Z') - days * 86_400_000)
  assert.deepEqual(await metering.partnersUsing('sim-swap/v2', since(90)), [
    'prt_1',
    'prt_2',
    'prt_4',
  ])
  assert.deepEqual(await metering.partnersUsing('sim-swap/v2', since(10)), ['prt_1', 'prt_4'])
  assert.deepEqual(await metering.partnersUsing('sim-swap/v3', since(90)), [])
})
