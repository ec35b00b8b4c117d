import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { freePort } from '#platform/testing'
import type { ApiEntry } from '#snapshot'
import {
  type Answer,
  customer,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

const key = testKey()
type Context = Parameters<typeof testUpstream>[0]
type ShadowSettings = NonNullable<Extract<ApiEntry['upstream'], { kind: 'http' }>['shadow']>

const answering =
  (value: unknown): Answer =>
  (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(value))
  }

async function setup(
  t: Context,
  settings: Partial<ShadowSettings> = {},
  { safe = true, timeoutMs = 10_000 } = {},
) {
  const real = await testUpstream(t, answering({ swapped: false, imsi: '1' }))
  const shadow = await testUpstream(t, answering({ swapped: false, imsi: '1' }))
  const terms = { url: shadow.url, percent: 100, ignore: [], tolerances: {}, ...settings }
  const api = simSwap('', {
    upstream: { kind: 'http', targets: [{ url: real.url }], timeoutMs, shadow: terms },
  })
  const operations = api.operations.map((one) => ({ ...one, terms: { safe } }))
  const gateway = await testGateway(t, [{ ...api, operations }, key.entry, ...customer(1)])
  return { real, shadow, gateway }
}

async function check(gateway: TestGateway): Promise<unknown> {
  const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
    body: '{"phoneNumber":"+99012345678"}',
  })
  assert.equal(response.status, 200)
  return response.json()
}
const reportOf = (gateway: TestGateway) => gateway.gateway.upstreams()[0]?.shadow

test('a shadow is sent the same call, marked as one, and agrees', async (t) => {
  const { real, shadow, gateway } = await setup(t)
  await check(gateway)
  await eventually(() => reportOf(gateway)?.same === 1)
  const [sent, copied] = [real.requests[0], shadow.requests[0]]
  assert.equal(copied?.body, sent?.body)
  assert.equal(copied?.url, sent?.url)
  assert.equal(copied?.headers['x-wayleave-shadow'], 'true')
  assert.equal(sent?.headers['x-wayleave-shadow'], undefined)
  assert.equal(copied?.headers['x-correlator'], sent?.headers['x-correlator'])
  assert.equal(gateway.journal.records.length, 1)
})

test('differences are told by path and kind, once each with their number, and without a value', async (t) => {
  const { shadow, gateway } = await setup(t)
  shadow.answer = answering({ swapped: true, '+99012345678': 1 })
  for (let i = 0; i < 3; i += 1) assert.deepEqual(await check(gateway), { swapped: false })
  await eventually(() => reportOf(gateway)?.different === 3)
  const { differences = [] } = reportOf(gateway) ?? {}
  for (const { firstAt, lastAt } of differences) {
    assert.match(firstAt, /^20\d\d-\d\d-\d\dT[\d:.]+Z$/)
    assert.ok(Date.parse(lastAt) >= Date.parse(firstAt))
  }
  const told = differences.map(({ operation, path, kind, count }) => ({
    operation,
    path,
    kind,
    count,
  }))
  assert.deepEqual(
    told.sort((a, b) => (a.kind < b.kind ? -1 : 1)),
    [
      { operation: 'checkSimSwap', path: '*', kind: 'added', count: 3 },
      { operation: 'checkSimSwap', path: '*', kind: 'missing', count: 3 },
      { operation: 'checkSimSwap', path: 'swapped', kind: 'value', count: 3 },
    ],
  )
  const metrics = await gateway.registry.metrics()
  assert.match(metrics, /shadow_calls_total\{api="sim-swap\/v2",result="different"\} 3/)
  assert.doesNotMatch(metrics + JSON.stringify(gateway.gateway.upstreams()), /990123/)
})

test('what is expected to differ is left out', async (t) => {
  const { shadow, gateway } = await setup(t, { ignore: ['swapped'] })
  shadow.answer = answering({ swapped: true, imsi: '1' })
  await check(gateway)
  await eventually(() => reportOf(gateway)?.same === 1)
})

test('a write has no shadow', async (t) => {
  const { shadow, gateway } = await setup(t, {}, { safe: false })
  await check(gateway)
  await check(gateway)
  await new Promise((resolve) => {
    setTimeout(resolve, 100)
  })
  assert.equal(shadow.requests.length, 0)
  assert.equal(reportOf(gateway)?.same, 0)
})

test('a shadow that hangs, fails or is not there delays no caller, and takes a bounded place', async (t) => {
  const { shadow, gateway } = await setup(t)
  const hanging: Socket[] = []
  shadow.answer = ({ socket }) => void hanging.push(socket)
  await Promise.all(Array.from({ length: 100 }, () => check(gateway)))
  assert.equal(reportOf(gateway)?.failed, 0, 'the callers did not wait for the shadow')
  await eventually(() => hanging.length === 16)
  for (const socket of hanging) socket.destroy()
  await eventually(() => reportOf(gateway)?.failed === 16)
  assert.equal(reportOf(gateway)?.skipped, 84)
  const late = await setup(t, {}, { timeoutMs: 300 })
  late.shadow.answer = () => undefined
  await eventually(async () => {
    await check(late.gateway).catch(() => undefined)
    return (reportOf(late.gateway)?.failed ?? 0) > 0
  })
  const gone = await setup(t, { url: `http://127.0.0.1:${await freePort()}` })
  await check(gone.gateway)
  await eventually(() => reportOf(gone.gateway)?.failed === 1)
})

test('about the declared part of the calls is followed', async (t) => {
  const { shadow, gateway } = await setup(t, { percent: 20 })
  for (let i = 0; i < 150; i += 1) await check(gateway)
  await eventually(() => {
    const { same = 0, skipped = 0 } = reportOf(gateway) ?? {}
    return same + skipped === shadow.requests.length + skipped && same > 0
  })
  assert.ok(shadow.requests.length > 8 && shadow.requests.length < 65, `${shadow.requests.length}`)
})
