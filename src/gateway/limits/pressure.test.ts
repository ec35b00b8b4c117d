import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'
import { Pressure, type Strain, strainOfProcess } from './pressure.ts'

const key = testKey()
const tiers = ['free', 'paid', 'enterprise'] as const

/** A gateway with one customer of each tier. */
async function setUp(
  t: Parameters<typeof testUpstream>[0],
  more: Parameters<typeof testGateway>[2] = {},
) {
  const upstream = await testUpstream(t)
  const customers = tiers.flatMap((tier, i) => customer(i + 1, { tier }))
  const entries = [simSwap(upstream.url), key.entry, ...customers]
  const gateway = await testGateway(t, entries, more)
  const call = async (n: number): Promise<Response> => {
    const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.token(n)}`, 'content-type': 'application/json' },
      body: '{"phoneNumber":"+99012345678"}',
    })
    await response.clone().text()
    return response
  }
  const statuses = () => Promise.all([1, 2, 3].map(async (n) => (await call(n)).status))
  return { upstream, gateway, call, statuses }
}

const settled = { longestDelayMs: 100, settleMs: 0, monotonicMs: () => 0 }
const pressureOf = (strain: () => Strain): Pressure => new Pressure({ ...settled, strain })

test('a late event loop refuses calls only where fewer calls help: it computes all the time, or they queue up', () => {
  for (const [what, cpu, busy, load, shed] of [
    ['computes without a pause', 0.97, 1, 0.01, true],
    ['shares its core with what its calls need', 0.8, 0.99, 0.01, true],
    ['gets little of the processor, and keeps up', 0.3, 0.5, 0.3, false],
    ['gets little of the processor, and few calls wait', 0.4, 1, 0.04, false],
    ['gets little of the processor, and its calls queue up', 0.4, 1, 0.06, true],
    ['is idle, and others have the processor', 0.02, 0.1, 0, false],
  ] as const) {
    const pressure = pressureOf(() => ({ delayMs: 150, cpu, busy, heap: 0.5 }))
    pressure.measure()
    pressure.measure()
    assert.equal(pressure.sheds('free', load), shed, what)
  }
})

test('a process that has just started may be late for a while, but not full', () => {
  let nowMs = 1_000
  const strain = { delayMs: 400, cpu: 1, busy: 1, heap: 0.5 }
  const monotonicMs = () => nowMs
  const pressure = new Pressure({
    longestDelayMs: 100,
    settleMs: 15_000,
    strain: () => strain,
    monotonicMs,
  })
  const shedAt = (ms: number): boolean => {
    nowMs = ms
    pressure.measure()
    return pressure.sheds('free', 0)
  }
  for (let ms = 2_000; ms < 16_000; ms += 1_000) assert.equal(shedAt(ms), false, `${ms}`)
  assert.equal(pressure.sheds('free', 0.7), true)
  assert.equal(shedAt(16_000), false, 'what was measured before does not count')
  assert.equal(shedAt(17_000), true)
  nowMs = 0
  strain.heap = 0.91
  pressure.measure()
  pressure.measure()
  assert.equal(pressure.sheds('free', 0), true)
})

test('the busier the process is, the fewer tiers are served: free calls go first, enterprise ones last', () => {
  const strain = { delayMs: 0, cpu: 1, busy: 1, heap: 0.5 }
  const pressure = pressureOf(() => strain)
  const served = (load: number) => tiers.filter((tier) => !pressure.sheds(tier, load))
  assert.deepEqual(served(0.6), ['free', 'paid', 'enterprise'])
  assert.deepEqual(served(0.7), ['paid', 'enterprise'])
  assert.deepEqual(served(0.9), ['enterprise'])
  const under = (delayMs: number, heap: number) => {
    Object.assign(strain, { delayMs, heap })
    pressure.measure()
    pressure.measure()
    return served(0)
  }
  assert.deepEqual(under(101, 0.5), ['paid', 'enterprise'])
  assert.deepEqual(under(201, 0.5), ['enterprise'])
  assert.deepEqual(under(501, 0.5), [])
  assert.deepEqual(under(0, 0.91), ['paid', 'enterprise'])
  assert.deepEqual(under(0, 0.95), ['enterprise'])
  assert.deepEqual(under(100, 0.9), ['free', 'paid', 'enterprise'])
})

test('one stretch of strain is no overload, and a calm one ends it', () => {
  const strain = { delayMs: 300, cpu: 1, busy: 1, heap: 0.5 }
  const pressure = pressureOf(() => strain)
  pressure.measure()
  assert.equal(pressure.sheds('free', 0), false)
  pressure.measure()
  assert.equal(pressure.sheds('free', 0), true)
  strain.delayMs = 3
  pressure.measure()
  assert.equal(pressure.sheds('free', 0), false)
})

test('with most places taken, free and then paid calls get 503 and Retry-After, and the last fifth is for enterprise', async (t) => {
  const { upstream, call, statuses } = await setUp(t, { limits: { inFlight: 10 } })
  const held: (() => void)[] = []
  const fine = upstream.answer
  upstream.answer = (...args) => void held.push(() => fine(...args))
  const begun: Promise<Response>[] = []
  const hold = async (n: number, count: number): Promise<void> => {
    for (let i = 0; i < count; i += 1) begun.push(call(n))
    await eventually(() => held.length === begun.length)
  }
  await hold(1, 6)
  const refused = await call(1)
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('retry-after'), '1')
  assert.equal(((await refused.json()) as { code: string }).code, 'UNAVAILABLE')
  await hold(2, 2)
  assert.equal((await call(2)).status, 503)
  await hold(3, 2)
  assert.equal((await call(3)).status, 503)
  assert.equal(upstream.requests.length, 10)
  upstream.answer = fine
  for (const release of held) release()
  assert.ok((await Promise.all(begun)).every(({ status }) => status === 200))
  assert.deepEqual(await statuses(), [200, 200, 200])
})

test('an event loop that is late refuses free calls, is measured, and recovers', async (t) => {
  const strain = strainOfProcess()
  const blocked = (ms: number): void => {
    const endMs = performance.now() + ms
    while (performance.now() < endMs);
  }
  let turns = 0
  await eventually(() => {
    blocked(turns < 3 ? 120 : 0)
    turns += 1
    return turns > 4
  })
  const { delayMs, cpu, busy, heap } = strain()
  assert.ok(delayMs > 90, `${delayMs} ms`)
  assert.ok(cpu > 0 && cpu < 1.1, `${cpu} of a core`)
  assert.ok(busy > 0 && busy <= 1, `busy for ${busy}`)
  assert.ok(heap > 0 && heap < 0.9)
  let late = true
  const { statuses } = await setUp(t, {
    strain: () => ({ delayMs: late ? 150 : 1, cpu: 1, busy: 1, heap }),
    limits: { settleMs: 0 },
  })
  await eventually(async () => (await statuses())[0] === 503)
  assert.deepEqual(await statuses(), [503, 200, 200])
  late = false
  await eventually(async () => (await statuses())[0] === 200)
})
