import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sql } from 'kysely'
import { createDatabasePool } from '#platform/database'
import { testPlatform, testRoles } from '#platform/testing'
import { contract, silent } from '../testing.ts'
import { ContractQuota, type QuotaAnswer } from './contract-quota.ts'
import { createQuotaLedger } from './quota-ledger.ts'
import { tellQuotaWarnings } from './tell-quota-warnings.ts'

type Context = Parameters<typeof testPlatform>[0]
const startMs = Date.parse('2026-03-10T12:00:00Z')

/** Several gateways' quotas of one contract, each with connections of its own. */
async function setUp(t: Context, limit: number, gateways: number) {
  const platform = await testPlatform(t)
  const urls = await testRoles(platform.database)
  const terms = contract(1, { tier: 'paid', quota: { limit, period: 'month' } })
  const quotas = Array.from({ length: gateways }, () => {
    const database = createDatabasePool(urls.gateway_sandbox, { applicationName: 'test', max: 2 })
    t.after(() => database.close())
    return new ContractQuota(terms, createQuotaLedger(database, 'sandbox'), silent, startMs)
  })
  const events = async (): Promise<unknown[]> => {
    const { rows } = await sql<{ payload: Record<string, unknown> }>`
      select payload from platform.outbox where type = 'quota.warned' order by position`.execute(
      platform.database.as<unknown>(),
    )
    return rows.map(({ payload: { at, ...payload } }) => {
      assert.ok(Date.parse(String(at)) > 0)
      return payload
    })
  }
  return { platform, quotas, events }
}

const take = (quota: ContractQuota, weight: number): Promise<QuotaAnswer> =>
  new Promise((resolve) => {
    const answer = quota.take(startMs, weight)
    if (answer === 'ask') quota.ask(startMs, resolve, weight)
    else resolve(answer)
  })

const warned = (percent: number, limit: number) => ({
  contractId: 'ctr_1',
  environment: 'sandbox',
  period: '2026-03',
  percent,
  limit,
})

test('80 and 100 % of a quota are told once each, whatever the number of gateways and of tellers', async (t) => {
  const { platform, quotas, events } = await setUp(t, 200, 4)
  const tell = () => Promise.all([1, 2, 3].map(() => tellQuotaWarnings(platform)))
  for (let i = 0; i < 140; i += 1) await take(quotas[i % 4] ?? assert.fail(), 1)
  await tell()
  assert.deepEqual(await events(), [])
  await Promise.all(quotas.flatMap((quota) => Array.from({ length: 40 }, () => take(quota, 1))))
  await tell()
  await tell()
  assert.deepEqual(await events(), [warned(80, 200), warned(100, 200)])
})

test('a call that counts more than what is left is refused whole, and meets the end of the quota', async (t) => {
  const { platform, quotas, events } = await setUp(t, 20, 1)
  const [quota = assert.fail()] = quotas
  assert.deepEqual(
    [await take(quota, 6), await take(quota, 6), await take(quota, 6), await take(quota, 6)],
    ['granted', 'granted', 'granted', 'exhausted'],
  )
  // What it left is still there for calls that count less.
  assert.equal(await take(quota, 2), 'granted')
  assert.equal(await take(quota, 1), 'exhausted')
  await tellQuotaWarnings(platform)
  assert.deepEqual(await events(), [warned(80, 20), warned(100, 20)])
})
