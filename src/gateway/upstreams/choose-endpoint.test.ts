import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bucketOf } from './canary.ts'
import { chooseEndpoint } from './choose-endpoint.ts'
import { ejectOutlier } from './eject-outlier.ts'
import { httpDialect } from './http-dialect.ts'
import { RetryBudget } from './retry-budget.ts'
import { Endpoint } from './upstream-endpoint.ts'

const nothing = () => undefined
/** A target that is never called: no connection is made. */
const target = (name: string, weight = 1): Endpoint =>
  new Endpoint({
    ...{ name, weight, side: 'primary', largest: 1, breaker: undefined },
    origin: undefined as unknown as Endpoint['origin'],
    dialect: httpDialect(''),
    metrics: { ended: nothing, ejected: nothing, opened: nothing, unhealthy: nothing },
  })

/** A generator that is the same each time (Park and Miller). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

function sharesOf(targets: readonly Endpoint[], calls = 10_000): number[] {
  const random = seeded(42)
  const counts = new Map<Endpoint | undefined, number>()
  for (let i = 0; i < calls; i += 1) {
    const chosen = chooseEndpoint(targets, 0, random)
    counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
  }
  return targets.map((one) => (counts.get(one) ?? 0) / calls)
}

test('targets get their parts by weight, and one of weight 0 gets none', () => {
  const shares = sharesOf([target('a', 3), target('b', 1), target('c', 0)])
  assert.ok(Math.abs((shares[0] ?? 0) - 0.75) < 0.02, `${shares}`)
  assert.equal(shares[2], 0)
})

test('a target that is slow, and so has more under way, gets less than its part', () => {
  const slow = target('slow')
  slow.inFlight = 50
  const [part = 0] = sharesOf([slow, target('quick')])
  assert.ok(part < 0.3, `${part}`)
})

test('an ejected target is taken only when there is no other; an unhealthy one never', () => {
  const [a, b] = [target('a'), target('b')]
  a.ejectedUntilMs = 10
  assert.deepEqual(sharesOf([a, b], 100), [0, 1])
  b.healthy = false
  assert.deepEqual(sharesOf([a, b], 100), [1, 0])
  a.healthy = false
  assert.equal(chooseEndpoint([a, b], 0, seeded(1)), undefined)
})

const fail = (one: Endpoint, times: number, nowMs = 0): void => {
  for (let i = 0; i < times; i += 1) one.end(one.begin(), 'failed', nowMs)
}

test('a target that stands out is ejected, longer each time, and never more than half of them', () => {
  const all = [target('a'), target('b'), target('c'), target('d')]
  const [a, b, c] = all as [Endpoint, Endpoint, Endpoint, Endpoint]
  fail(a, 2)
  assert.equal(ejectOutlier(a, all, 0), false, 'two failures are too few')
  fail(a, 1)
  assert.equal(ejectOutlier(a, all, 0), true)
  assert.equal(a.ejectedUntilMs, 10_000)
  assert.equal(ejectOutlier(a, all, 0), false, 'it is out already')
  fail(b, 3)
  assert.equal(ejectOutlier(b, all, 0), true)
  fail(c, 3)
  assert.equal(ejectOutlier(c, all, 0), false, 'half of them are out')
  fail(a, 3, 20_000)
  assert.equal(ejectOutlier(a, all, 20_000), true)
  assert.equal(a.ejectedUntilMs, 40_000)
})

test('a target that fails as all the others do is not ejected', () => {
  const all = [target('a'), target('b')]
  for (const one of all) fail(one, 4)
  assert.ok(all.every((one) => !ejectOutlier(one, all, 0)))
  assert.equal(ejectOutlier(target('only'), [], 0), false)
})

test('retries are one in ten of the calls, and three a second in any case', () => {
  const idle = new RetryBudget()
  const taken = (budget: RetryBudget, nowMs: number): number => {
    let count = 0
    while (count < 1_000 && budget.take(nowMs)) count += 1
    return count
  }
  assert.equal(taken(idle, 0), 3)
  assert.equal(taken(idle, 500), 0)
  assert.equal(taken(idle, 1_000), 3)
  const busy = new RetryBudget()
  for (let i = 0; i < 200; i += 1) busy.count(5_000)
  assert.equal(taken(busy, 5_999), 20)
  assert.equal(taken(busy, 6_000), 20)
  assert.equal(taken(busy, 30_000), 3, 'what was long ago does not count')
})

test('applications fall evenly into the parts of a canary', () => {
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < 20_000; i += 1) {
    const quarter = Math.floor(bucketOf(`sim-swap/v2\napp_${i.toString(36)}`) / 2_500)
    counts[quarter] = (counts[quarter] ?? 0) + 1
  }
  for (const count of counts) assert.ok(Math.abs(count - 5_000) < 300, `${counts}`)
  fc.assert(fc.property(fc.string(), (id) => bucketOf(id) >= 0 && bucketOf(id) < 10_000))
})
