import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ContractEntry } from '#snapshot'
import { contract, memoryLedger, silent } from '../testing.ts'
import { ContractQuota, type QuotaAnswer } from './contract-quota.ts'
import { quotaPeriod } from './quota-period.ts'

const start = Date.parse('2026-03-10T12:00:00Z')
const terms = (limit: number, more: Partial<ContractEntry> = {}): ContractEntry =>
  contract(1, { tier: 'paid', quota: { limit, period: 'day' }, ...more })

const take = (quota: ContractQuota, nowMs = start): Promise<QuotaAnswer> =>
  new Promise((resolve) => {
    const answer = quota.take(nowMs)
    if (answer === 'ask') quota.ask(nowMs, resolve)
    else resolve(answer)
  })

const takeAll = (quota: ContractQuota, count: number, nowMs = start): Promise<QuotaAnswer[]> =>
  Promise.all(Array.from({ length: count }, () => take(quota, nowMs)))

const granted = (answers: readonly QuotaAnswer[]): number =>
  answers.filter((answer) => answer === 'granted').length

test('admits exactly the quota, however many ask at once', async () => {
  const ledger = memoryLedger()
  const quota = new ContractQuota(terms(1_000), ledger, silent, start)
  const answers = await takeAll(quota, 1_500)
  assert.equal(granted(answers), 1_000)
  assert.ok(answers.every((answer) => answer !== 'unavailable'))
})

test('gateways together never admit more, and with both in use exactly, the quota', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 400 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 1, max: 40 })), {
        maxLength: 40,
      }),
      async (limit, steps) => {
        const ledger = memoryLedger()
        const gateways = [0, 1, 2].map(() => new ContractQuota(terms(limit), ledger, silent, start))
        let admitted = 0
        let nowMs = start
        for (const [which, count] of steps) {
          nowMs += 100
          const gateway = gateways[which] ?? assert.fail()
          admitted += granted(await takeAll(gateway, count, nowMs))
        }
        assert.ok(admitted <= limit)
        // What the others hold is at most what is documented: 1/50 of the quota ahead, and a block in use.
        const asked = steps.reduce((sum, [, count]) => sum + count, 0)
        const held = 3 * 2 * Math.max(1, Math.ceil(limit / 50))
        assert.ok(admitted >= Math.min(limit, asked) - held)
      },
    ),
    { numRuns: 100 },
  )
})

test('a unit that was given back is there again, for everyone when the gateway drains', async () => {
  const ledger = memoryLedger()
  const first = new ContractQuota(terms(10), ledger, silent, start)
  assert.equal(granted(await takeAll(first, 12)), 10)
  first.giveBack(first.unit())
  first.giveBack(first.unit())
  assert.equal(await take(first, start + 2_000), 'granted')
  await first.close()
  const second = new ContractQuota(terms(10), ledger, silent, start)
  assert.equal(granted(await takeAll(second, 12)), 1)
})

test('a new period has a new quota, and units of the old one do not come into it', async () => {
  const ledger = memoryLedger()
  const quota = new ContractQuota(terms(5), ledger, silent, start)
  assert.equal(granted(await takeAll(quota, 9)), 5)
  const old = quota.unit()
  const tomorrow = start + 86_400_000
  assert.equal(quota.remaining(tomorrow), 5)
  assert.equal(await take(quota, tomorrow), 'granted')
  quota.giveBack(old)
  assert.equal(granted(await takeAll(quota, 9, tomorrow)), 4)
})

test('tells the true remainder while it is the only gateway', async () => {
  const quota = new ContractQuota(terms(5_000), memoryLedger(), silent, start)
  for (let used = 1; used <= 300; used += 1) {
    await take(quota, start + used)
    await new Promise(setImmediate)
    assert.equal(quota.remaining(start + used), 5_000 - used)
  }
})

test('without the ledger a paid contract goes on with what it holds, then stops, and goes on when it is back', async () => {
  const ledger = memoryLedger()
  const quota = new ContractQuota(terms(100_000), ledger, silent, start)
  for (let i = 0; i < 200; i += 1) await take(quota, start + i)
  ledger.down = true
  const answers = await takeAll(quota, 5_000, start + 500)
  assert.ok(granted(answers) > 0)
  assert.equal(answers.at(-1), 'unavailable')
  ledger.down = false
  // The first one after the pause asks again; nobody waits for the answer.
  await take(quota, start + 1_500)
  await new Promise(setImmediate)
  assert.equal(await take(quota, start + 1_600), 'granted')
})

test('without the ledger a free contract goes on within its quota, and owes what it used', async () => {
  const ledger = memoryLedger()
  ledger.down = true
  const quota = new ContractQuota(terms(10, { tier: 'free' }), ledger, silent, start)
  assert.equal(granted(await takeAll(quota, 14)), 10)
  ledger.down = false
  await take(quota, start + 2_000)
  await new Promise(setImmediate)
  assert.equal(await take(quota, start + 2_100), 'exhausted')
  assert.deepEqual([...ledger.used.values()], [10])
})

test('days and months are those of the contract, also when the clocks change', () => {
  const at = (text: string): number => Date.parse(text)
  const spring = quotaPeriod('day', 'Europe/Madrid', at('2026-03-29T00:30:00Z'))
  assert.deepEqual(spring, {
    name: '2026-03-29',
    startMs: at('2026-03-28T23:00:00Z'),
    endMs: at('2026-03-29T22:00:00Z'),
  })
  const month = quotaPeriod('month', 'America/New_York', at('2026-12-01T03:00:00Z'))
  assert.deepEqual(month, {
    name: '2026-11',
    startMs: at('2026-11-01T04:00:00Z'),
    endMs: at('2026-12-01T05:00:00Z'),
  })
})

test('an unknown time zone counts in UTC instead of not at all', async () => {
  const quota = new ContractQuota(
    terms(1, { timeZone: 'Mars/Base' }),
    memoryLedger(),
    silent,
    start,
  )
  assert.equal(granted(await takeAll(quota, 3)), 1)
})
