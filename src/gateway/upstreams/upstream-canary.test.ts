import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { createLog } from '#platform/log'
import { testFolder } from '#platform/testing-folder'
import type { ApiEntry } from '#snapshot'
import {
  type Answer,
  customer,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'

const key = testKey()
type Context = Parameters<typeof testUpstream>[0]
type CanarySettings = NonNullable<Extract<ApiEntry['upstream'], { kind: 'http' }>['canary']>

const failing: Answer = (_request, response) => void response.writeHead(500).end()

async function setup(
  t: Context,
  settings: Partial<CanarySettings> = {},
  more: { safe?: boolean; applications?: number; canaryFolder?: string } = {},
) {
  const stable = await testUpstream(t)
  const canary = await testUpstream(t)
  const applications = more.applications ?? 1
  const published = (change: Partial<CanarySettings> = {}): ApiEntry => {
    const terms = { percent: 100, maxErrorPercent: 10, minCalls: 10, ...settings, ...change }
    const api = simSwap('', {
      upstream: {
        kind: 'http',
        targets: [{ url: stable.url }],
        timeoutMs: 1_000,
        canary: { url: canary.url, ...terms },
        breaker: { failures: 1_000, openSeconds: 1 },
      },
    })
    const operations = api.operations.map((one) => ({ ...one, terms: { safe: more.safe ?? true } }))
    return { ...api, operations }
  }
  const customers = Array.from({ length: applications }, (_, n) => customer(n + 1)).flat()
  const upstreams = { canaryFolder: more.canaryFolder }
  const entries = [published(), key.entry, ...customers]
  const gateway = await testGateway(t, entries, { upstreams })
  const again = () => testGateway(t, entries, { upstreams })
  return { stable, canary, published, gateway, again }
}

async function check(gateway: TestGateway, n = 1): Promise<number> {
  const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(n)}`, 'content-type': 'application/json' },
    body: '{"phoneNumber":"+99012345678"}',
  })
  await response.text()
  return response.status
}
const times = async (gateway: TestGateway, calls: number): Promise<number[]> => {
  const seen: number[] = []
  for (let i = 0; i < calls; i += 1) seen.push(await check(gateway))
  return seen
}
const canaryOf = (gateway: TestGateway) => gateway.gateway.upstreams()[0]?.canary

test('an application stays on its side while the percentage stands, and when it rises', async (t) => {
  const { canary, gateway, published } = await setup(t, { percent: 30 }, { applications: 60 })
  const onCanary = async (): Promise<Set<number>> => {
    const side = new Set<number>()
    for (let n = 1; n <= 60; n += 1) {
      const before = canary.requests.length
      await check(gateway, n)
      if (canary.requests.length > before) side.add(n)
    }
    return side
  }
  const first = await onCanary()
  assert.ok(first.size > 5 && first.size < 35, `${first.size}`)
  assert.deepEqual(await onCanary(), first)
  gateway.snapshot.put(published({ percent: 60 }))
  const more = await onCanary()
  assert.ok(more.size > first.size)
  assert.ok([...first].every((n) => more.has(n)))
  const sides = gateway.journal.records.map(({ upstream }) => upstream)
  assert.deepEqual(new Set(sides), new Set(['primary', 'canary']))
})

test('a canary that fails is rolled back; callers of safe operations did not notice', async (t) => {
  const { stable, canary, gateway } = await setup(t)
  canary.answer = failing
  assert.deepEqual(new Set(await times(gateway, 10)), new Set([200]))
  const report = canaryOf(gateway)
  assert.equal(report?.rolledBack?.errorPercent, 100)
  assert.match(report.rolledBack.at, /^20\d\d-\d\d-\d\dT[\d:.]+Z$/)
  assert.equal(canary.requests.length, 10)
  await times(gateway, 5)
  assert.equal(canary.requests.length, 10)
  assert.equal(stable.requests.length, 15)
  assert.match(await gateway.registry.metrics(), /canary_rolled_back\{api="sim-swap\/v2"\} 1/)
  assert.ok(gateway.journal.records.every(({ upstream }) => upstream === 'primary'))
})

test('a write that the canary fails at is not repeated; the canary is rolled back all the same', async (t) => {
  const { canary, stable, gateway } = await setup(t, {}, { safe: false })
  canary.answer = failing
  assert.deepEqual(await times(gateway, 11), [...Array(10).fill(502), 200])
  assert.equal(stable.requests.length, 1)
})

test('an answer that the document does not allow counts against a canary', async (t) => {
  const { canary, gateway } = await setup(t)
  canary.answer = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"swapped":"perhaps"}')
  }
  assert.deepEqual(await times(gateway, 11), [...Array(10).fill(502), 200])
  assert.notEqual(canaryOf(gateway)?.rolledBack, undefined)
})

test('a canary is not judged before it has seen enough, nor for what the stable side does as well', async (t) => {
  const { canary, stable, gateway } = await setup(
    t,
    { percent: 50, minCalls: 5 },
    { applications: 20, safe: false },
  )
  canary.answer = failing
  stable.answer = failing
  // The stable side fails first, so that it is known to.
  for (let round = 0; round < 2; round += 1)
    for (let n = 1; n <= 20; n += 1) await check(gateway, n)
  assert.equal(canaryOf(gateway)?.rolledBack, undefined)
  const few = await setup(t, { minCalls: 50 })
  few.canary.answer = failing
  await times(few.gateway, 20)
  assert.equal(canaryOf(few.gateway)?.rolledBack, undefined)
})

test('fewer errors than are allowed let a canary go on', async (t) => {
  const { canary, gateway } = await setup(t, { maxErrorPercent: 10, minCalls: 20 })
  const well = canary.answer
  let calls = 0
  canary.answer = (...args) => {
    calls += 1
    if (calls % 10 === 0) failing(...args)
    else well(...args)
  }
  await times(gateway, 60)
  assert.equal(canaryOf(gateway)?.rolledBack, undefined)
  assert.equal(canary.requests.length, 60)
})

test('rolled back stays rolled back: over publications and restarts, until the canary settings are others', async (t) => {
  const canaryFolder = testFolder(t)
  const { canary, published, gateway, again } = await setup(t, {}, { canaryFolder })
  canary.answer = failing
  await times(gateway, 10)
  gateway.snapshot.put({ ...published(), title: 'SIM Swap again' })
  assert.notEqual(canaryOf(gateway)?.rolledBack, undefined)
  const restarted = await again()
  assert.notEqual(canaryOf(restarted)?.rolledBack, undefined)
  await times(restarted, 3)
  assert.equal(canary.requests.length, 10)
  restarted.snapshot.put(published({ percent: 99.99 }))
  assert.equal(canaryOf(restarted)?.rolledBack, undefined)
  await times(restarted, 1)
  assert.equal(canary.requests.length, 11)
  const third = await again()
  assert.equal(canaryOf(third)?.rolledBack, undefined, 'other settings were published in between')
})

test('a roll-back is written to the log with the owner of the API, and without a value of any call', async (t) => {
  const lines: string[] = []
  const log = createLog({ name: 'test', level: 'silent' })
  log.level = 'warn'
  log.warn = ((fields: object, text: string) =>
    lines.push(JSON.stringify({ ...fields, text }))) as unknown as typeof log.warn
  const { canary, published } = await setup(t)
  canary.answer = failing
  const gateway = await testGateway(t, [published(), key.entry, ...customer(1)], { log })
  await times(gateway, 10)
  const line = lines.find((one) => one.includes('canary'))
  assert.match(line ?? '', /"team":"Identity".*"errorPercent":100/)
  assert.doesNotMatch(lines.join(''), /990/)
})

test('a Location of the canary itself becomes a path, as one of a target does', async (t) => {
  const canary = await testUpstream(t)
  const stable = await testUpstream(t)
  canary.answer = (_request, response) => {
    const location = `${canary.url}/payments/v0.5/payments/1`
    response.writeHead(201, { 'content-type': 'application/json', location })
    response.end('{"reference":"r"}')
  }
  const terms = { url: canary.url, percent: 100, maxErrorPercent: 5, minCalls: 5 }
  const upstream = {
    kind: 'http',
    targets: [{ url: stable.url }],
    timeoutMs: 1_000,
    canary: terms,
  } as const
  const api = { ...payments(stable.url), upstream }
  const gateway = await testGateway(t, [api, key.entry, ...customer(1)])
  const response = await fetch(`${gateway.url}/payments/v0.5/payments`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
    body: '{"reference":"r"}',
  })
  assert.equal(response.headers.get('location'), '/payments/v0.5/payments/1')
})

test('what one worker of a gateway rolled back, the others leave as well', async (t) => {
  const canaryFolder = testFolder(t)
  const { canary, gateway, again } = await setup(t, {}, { canaryFolder })
  const other = await again()
  await times(other, 1)
  canary.answer = failing
  await times(gateway, 10)
  await eventually(() => canaryOf(other)?.rolledBack !== undefined)
  const before = canary.requests.length
  await times(other, 3)
  assert.equal(canary.requests.length, before)
})
