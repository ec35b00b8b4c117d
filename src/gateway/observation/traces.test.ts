import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { createOtlpSender } from '#platform/otlp-exporter'
import { machineClock } from '#platform/testing-clock'
import { createTracing, type Tracing } from '#platform/tracing'
import {
  customer,
  silent,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'
import { type TestCollector, testCollector } from './testing-collector.ts'

const key = testKey()
const check = '/sim-swap/v2/check'
const number = '+99012345678'
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const callersSpan = '00f067aa0ba902b7'
const parent = (sampled: boolean): string => `00-${traceId}-${callersSpan}-${sampled ? '01' : '00'}`

type Context = Parameters<typeof testUpstream>[0]
type Setup = TestGateway & {
  upstream: Awaited<ReturnType<typeof testUpstream>>
  collector: TestCollector
  tracing: Tracing
}

async function setup(t: Context, share: number): Promise<Setup> {
  const upstream = await testUpstream(t)
  const collector = await testCollector(t)
  const sender = createOtlpSender({
    endpoint: collector.url,
    headers: 'x-key=a%20b',
    resource: { 'service.name': 'wayleave-gateway' },
  })
  const tracing = createTracing({ sender, log: silent, everyMs: 20 })
  t.after(() => tracing.stop(100))
  const entries = [
    simSwap(upstream.url),
    payments(upstream.url),
    key.entry,
    ...customer(1),
    ...customer(2),
  ]
  const gateway = await testGateway(t, entries, { traces: { tracing, share } })
  return { ...gateway, upstream, collector, tracing }
}

const call = (
  { url }: { url: string },
  headers: Record<string, string> = {},
  customerNumber: number | 'stranger' = 1,
): Promise<Response> =>
  fetch(url + check, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(customerNumber === 'stranger'
        ? {}
        : { authorization: `Bearer ${key.token(customerNumber)}` }),
      ...headers,
    },
    body: JSON.stringify({ phoneNumber: number }),
  })

const spans = (collector: TestCollector, count: number) =>
  eventually(() => collector.spans.length >= count && collector.spans)

test('a traced call is a server span and a span for its upstream call, whose id the upstream is told', async (t) => {
  const { upstream, collector, journal, url } = await setup(t, 1)
  assert.equal((await call({ url })).status, 200)
  const all = await spans(collector, 2)
  const server = all.find((span) => span.kind === 2)
  const client = all.find((span) => span.kind === 3)
  assert.ok(server !== undefined && client !== undefined && all.length === 2)
  assert.equal(server.name, 'POST /sim-swap/v2/check')
  assert.equal(server.parentSpanId, undefined)
  assert.equal(client.parentSpanId, server.spanId)
  assert.equal(client.traceId, server.traceId)
  assert.ok(server.startMs <= client.startMs && client.endMs <= server.endMs)
  assert.equal(
    upstream.requests[0]?.headers.traceparent,
    `00-${server.traceId}-${client.spanId}-01`,
  )
  const { attributes } = server
  assert.equal(attributes['http.request.method'], 'POST')
  assert.equal(attributes['http.route'], '/sim-swap/v2/check')
  assert.equal(Number(attributes['http.response.status_code']), 200)
  assert.equal(attributes['url.scheme'], 'http')
  assert.equal(attributes['server.address'], 'localhost')
  assert.equal(attributes['wayleave.api'], 'sim-swap/v2')
  assert.equal(attributes['wayleave.operation'], 'checkSimSwap')
  assert.equal(attributes['wayleave.tier'], 'free')
  assert.equal(attributes['wayleave.contract'], 'ctr_1')
  assert.equal(Number(client.attributes['http.response.status_code']), 200)
  assert.equal(client.attributes['server.address'], '127.0.0.1')
  assert.equal(Number(client.attributes['server.port']), Number(new URL(upstream.url).port))
  assert.equal(server.resource['service.name'], 'wayleave-gateway')
  assert.equal(collector.headers[0]?.['x-key'], 'a b')
  assert.equal(journal.records[0]?.traceId, server.traceId)
})

test("a caller's trace goes on through the gateway, with its tracestate", async (t) => {
  const { upstream, collector, url } = await setup(t, 0)
  await call({ url }, { traceparent: parent(true), tracestate: 'rojo=1, congo=2' })
  const server = (await spans(collector, 2)).find((span) => span.kind === 2)
  assert.equal(server?.traceId, traceId)
  assert.equal(server?.parentSpanId, callersSpan)
  assert.match(
    `${upstream.requests[0]?.headers.traceparent}`,
    new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`),
  )
  assert.equal(upstream.requests[0]?.headers.tracestate, 'rojo=1,congo=2')
})

test('a call that its caller does not trace is not traced, and keeps its place in the trace', async (t) => {
  const { upstream, collector, journal, tracing, url } = await setup(t, 1)
  await call({ url }, { traceparent: parent(false) })
  assert.match(
    `${upstream.requests[0]?.headers.traceparent}`,
    new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`),
  )
  assert.equal(journal.records[0]?.traceId, traceId)
  assert.equal(tracing.counters().waiting, 0)
  assert.equal(collector.spans.length, 0)
})

test('a malformed traceparent begins a new trace, and its tracestate goes no further', async (t) => {
  const { upstream, url } = await setup(t, 0)
  await call({ url }, { traceparent: `00-${traceId}-${callersSpan}-01-x`, tracestate: 'rojo=1' })
  const sent = `${upstream.requests[0]?.headers.traceparent}`
  assert.match(sent, /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  assert.ok(!sent.includes(traceId))
  assert.equal(upstream.requests[0]?.headers.tracestate, undefined)
})

test('an application has no more than ten of its calls a second traced by its own flag', async (t) => {
  const { collector, url } = await setup(t, 0)
  const started = performance.now()
  const calls = Array.from({ length: 100 }, () => call({ url }, { traceparent: parent(true) }))
  await Promise.all(calls)
  const other = await call({ url }, { traceparent: parent(true) }, 2)
  assert.equal(other.status, 200)
  const seconds = Math.ceil((performance.now() - started) / 1_000) + 1
  const traced = () => collector.spans.filter((span) => span.kind === 2)
  await eventually(() =>
    traced().some((span) => span.attributes['wayleave.application'] === 'app_2'),
  )
  const own = traced().filter((span) => span.attributes['wayleave.application'] === 'app_1')
  assert.ok(own.length >= 10 && own.length <= 10 * seconds, `${own.length} in ${seconds} s`)
})

test("a stranger's flag traces nothing", async (t) => {
  const { tracing, url } = await setup(t, 0)
  assert.equal((await call({ url }, { traceparent: parent(true) }, 'stranger')).status, 401)
  assert.deepEqual(tracing.counters(), { sent: 0, dropped: 0, waiting: 0 })
})

test('a failed call is traced though it was not sampled, and its record leads to the trace', async (t) => {
  const { upstream, collector, journal, url } = await setup(t, 0)
  upstream.answer = (_request, response) => response.writeHead(500).end('oops')
  assert.equal((await call({ url })).status, 502)
  const all = await spans(collector, 2)
  const server = all.find((span) => span.kind === 2)
  const client = all.find((span) => span.kind === 3)
  assert.equal(server?.failed, true)
  assert.equal(server?.attributes['error.type'], 'BAD_GATEWAY')
  assert.equal(server?.attributes['wayleave.refused_by'], 'upstream')
  assert.deepEqual(
    server?.events.map(({ name, attributes }) => [name, attributes['wayleave.rule']]),
    [['refused', 'upstream']],
  )
  assert.equal(client?.failed, true)
  assert.equal(Number(client?.attributes['http.response.status_code']), 500)
  assert.equal(journal.records[0]?.traceId, server?.traceId)
})

test('a refusal is an event of its span, with the rule that refused', async (t) => {
  const { collector, url } = await setup(t, 1)
  const response = await fetch(url + check, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
    body: '{"phoneNumber":7}',
  })
  assert.equal(response.status, 400)
  const [server] = await spans(collector, 1)
  assert.equal(server?.failed, false)
  const refused = server?.events.find(({ name }) => name === 'refused')
  assert.equal(refused?.attributes['wayleave.rule'], 'validate-body')
  assert.equal(refused?.attributes['wayleave.code'], 'INVALID_ARGUMENT')
  assert.ok(server?.events.some(({ name }) => name === 'waited'))
})

test('a collector that refuses, or never answers, fails no call; what it misses is counted', async (t) => {
  const { collector, tracing, url } = await setup(t, 1)
  collector.status = 400
  assert.equal((await call({ url })).status, 200)
  await eventually(() => tracing.counters().dropped === 2)
  collector.status = 0
  const calls = await Promise.all(Array.from({ length: 50 }, () => call({ url })))
  assert.ok(calls.every(({ status }) => status === 200))
  const now = await machineClock()
  const started = now()
  await tracing.stop(200)
  assert.ok(now() - started < 1_000)
  assert.deepEqual(tracing.counters(), { sent: 0, dropped: 102, waiting: 0 })
})

test('spans name templates and codes, and nothing that a caller wrote', async (t) => {
  const { collector, url } = await setup(t, 1)
  const secret = '99055500011'
  await fetch(`${url}/payments/v0.5/payments/${secret}?phone=${secret}`, {
    headers: {
      authorization: `Bearer ${key.token(1)}`,
      'user-agent': secret,
      'x-device': secret,
      tracestate: `a=${secret}`,
    },
  })
  await call({ url }, { 'x-device': secret, baggage: `n=${secret}` })
  await fetch(`${url}/${secret}`, { method: 'DELETE' })
  await spans(collector, 3)
  for (const body of collector.bodies) {
    assert.ok(!body.includes(secret))
    assert.ok(!body.includes(number.slice(1)))
    assert.ok(!body.includes('eyJ'))
  }
})

test('without a collector sound fields go on as they came, and nothing is made up', async (t) => {
  const upstream = await testUpstream(t)
  const gateway = await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)])
  await call(gateway, { traceparent: parent(true), tracestate: 'rojo=1' })
  await call(gateway, { traceparent: 'nonsense', tracestate: 'rojo=1' })
  await call(gateway)
  assert.deepEqual(
    upstream.requests.map(({ headers }) => [headers.traceparent, headers.tracestate]),
    [
      [parent(true), 'rojo=1'],
      [undefined, undefined],
      [undefined, undefined],
    ],
  )
  assert.deepEqual(
    gateway.journal.records.map((record) => record.traceId),
    [traceId, undefined, undefined],
  )
})
