import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { createInternalServer } from '#platform/internal-server'
import { customer, type TestGateway, testGateway, testKey, testUpstream } from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'

type Context = Parameters<typeof testUpstream>[0]

const key = testKey()
const check = '/sim-swap/v2/check'

async function setup(t: Context): Promise<TestGateway & { upstreamUrl: string }> {
  const upstream = await testUpstream(t)
  const entries = [
    simSwap(upstream.url),
    payments(upstream.url),
    key.entry,
    ...customer(1, { tier: 'paid' }),
    ...customer(2),
  ]
  return { ...(await testGateway(t, entries)), upstreamUrl: upstream.url }
}

const call = (
  url: string,
  path = check,
  init: { n?: number; method?: string; body?: string } = {},
): Promise<Response> =>
  fetch(url + path, {
    method: init.method ?? 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${key.token(init.n ?? 1)}`,
    },
    ...(init.method === 'GET' ? {} : { body: init.body ?? '{"phoneNumber":"+99012345678"}' }),
  })

/** The lines of one metric, without the time-dependent buckets. */
async function lines({ registry }: TestGateway, name: string): Promise<string[]> {
  const text = await registry.metrics()
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
}

test('calls are counted by operation, tier and class of status, with their durations', async (t) => {
  const gateway = await setup(t)
  await call(gateway.url)
  await call(gateway.url)
  await call(gateway.url, check, { n: 2 })
  await call(gateway.url, check, { body: '{' })
  await call(gateway.url, '/nothing/here')
  const labels = 'api="sim-swap/v2",operation="checkSimSwap"'
  assert.deepEqual((await lines(gateway, 'wayleave_gateway_requests_total')).sort(), [
    'wayleave_gateway_requests_total{api="none",operation="none",tier="none",status="4xx"} 1',
    `wayleave_gateway_requests_total{${labels},tier="free",status="2xx"} 1`,
    `wayleave_gateway_requests_total{${labels},tier="paid",status="2xx"} 2`,
    `wayleave_gateway_requests_total{${labels},tier="paid",status="4xx"} 1`,
  ])
  assert.deepEqual(await lines(gateway, 'wayleave_gateway_request_seconds_count'), [
    'wayleave_gateway_request_seconds_count{api="none",operation="none"} 1',
    `wayleave_gateway_request_seconds_count{${labels}} 4`,
  ])
  assert.deepEqual(await lines(gateway, 'wayleave_gateway_upstream_seconds_count'), [
    `wayleave_gateway_upstream_seconds_count{${labels},upstream="primary"} 3`,
  ])
  assert.deepEqual((await lines(gateway, 'wayleave_gateway_refusals_total')).sort(), [
    'wayleave_gateway_refusals_total{rule="route",code="NOT_FOUND",tier="none"} 1',
    'wayleave_gateway_refusals_total{rule="validate-body",code="INVALID_ARGUMENT",tier="paid"} 1',
  ])
})

test('a histogram counts a duration in each bucket that holds it', async (t) => {
  const gateway = await setup(t)
  await call(gateway.url)
  const buckets = await lines(gateway, 'wayleave_gateway_request_seconds_bucket')
  const counts = buckets.map((line) => Number(line.split(' ').at(-1)))
  assert.equal(buckets.length, 15)
  assert.match(buckets.at(-1) ?? '', /le="\+Inf"} 1$/)
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
  )
  const sums = await lines(gateway, 'wayleave_gateway_request_seconds_sum')
  assert.ok(Number(sums[0]?.split(' ').at(-1)) > 0)
})

test('whatever strangers send, there are no more series than the documents allow', async (t) => {
  const gateway = await setup(t)
  const before = await seriesOf(gateway)
  const port = gateway.gateway.port()
  const attempts = Array.from({ length: 300 }, (_, i) => i)
  await Promise.all(
    attempts.map(async (i) => {
      await call(gateway.url, `/sim-swap/v2/check/${i}/990${i}`)
      await call(gateway.url, `/payments/v0.5/payments/990${i}?n=${i}`, { method: 'GET' })
      await call(gateway.url, `${check}?x${i}=1`, { n: 9_000 + i })
    }),
  )
  for (const i of attempts.slice(0, 60))
    await raw(port, `M${i} /${i} HTTP/1.1\r\nhost: h${i}\r\n\r\n`)
  for (const i of attempts.slice(0, 60))
    await raw(port, `GET /${i} HTTP/1.1\r\nhost: ${i} ${i}\r\n\r\n`)
  const after = await seriesOf(gateway)
  assert.ok(after - before < 400, `${before} series before, ${after} after`)
  const once = after
  await Promise.all(attempts.map((i) => call(gateway.url, `/again/${i}`)))
  assert.ok((await seriesOf(gateway)) - once < 40)
  const text = await gateway.registry.metrics()
  const names = text.split('\n').map((line) => line.slice(0, line.lastIndexOf(' ')))
  for (const sent of ['990', 'x1', 'h12', 'M1', '9001'])
    assert.ok(!names.join().includes(sent), sent)
})

async function seriesOf({ registry }: TestGateway): Promise<number> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && line[0] !== '#')
    .length
}

const raw = (port: number, bytes: string): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    const done = (): void => {
      socket.destroy()
      resolve()
    }
    socket.on('data', done)
    socket.on('error', done)
    socket.on('close', done)
  })

test('the series of an API, or of an operation, that is published no more are gone', async (t) => {
  const gateway = await setup(t)
  await call(gateway.url)
  await call(gateway.url, '/payments/v0.5/payments', { method: 'GET' })
  const has = async (label: string): Promise<boolean> =>
    (await gateway.registry.metrics()).includes(label)
  assert.equal(await has('operation="listPayments"'), true)
  assert.equal(await has('operation="checkSimSwap"'), true)
  const later = payments(gateway.upstreamUrl)
  const rest = later.operations.filter(({ operationId }) => operationId !== 'listPayments')
  gateway.snapshot.put({ ...later, operations: rest })
  gateway.snapshot.remove(simSwap(gateway.upstreamUrl))
  assert.equal(await has('operation="listPayments"'), false)
  assert.equal(await has('api="sim-swap/v2"'), false)
  gateway.snapshot.put(simSwap(gateway.upstreamUrl))
  await call(gateway.url)
  assert.match(await gateway.registry.metrics(), /requests_total{api="sim-swap\/v2".*} 1\n/)
})

test('a call that ends after its API was withdrawn brings no series back', async (t) => {
  const upstream = await testUpstream(t)
  const gateway = await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)])
  const waiting: (() => void)[] = []
  upstream.answer = (_request, response) => {
    waiting.push(() => {
      response.setHeader('content-type', 'application/json')
      response.end('{"swapped":false}')
    })
  }
  const pending = call(gateway.url)
  await eventually(() => waiting.length === 1)
  gateway.snapshot.remove(simSwap(upstream.url))
  waiting[0]?.()
  assert.equal((await pending).status, 200)
  const text = await gateway.registry.metrics()
  assert.deepEqual(
    text.split('\n').filter((line) => line.includes('api="sim-swap/v2"')),
    [],
  )
})

test('the guide lists every metric of a gateway, and none that is not there', async (t) => {
  const server = createInternalServer({ host: '127.0.0.1', port: 0, ready: () => true })
  const upstream = await testUpstream(t)
  await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)], {
    registry: server.registry,
  })
  const names = server.registry
    .getMetricsAsArray()
    .map(({ name }) => name)
    .filter((name) => name.startsWith('wayleave_'))
  const guide = readFileSync(new URL('../../../docs/guides/monitoring.md', import.meta.url), 'utf8')
  const listed = [...guide.matchAll(/^\| `(wayleave_\w+)`/gm)].map((match) => match[1] ?? '')
  assert.deepEqual(listed.toSorted(), names.toSorted())
  const described = new Map(
    [...guide.matchAll(/^\| `(wayleave_\w+)` \| ([^|]*) \|/gm)].map((m) => [m[1], m[2]?.trim()]),
  )
  for (const metric of server.registry.getMetricsAsArray()) {
    if (!metric.name.startsWith('wayleave_')) continue
    const { labelNames = [] } = metric as unknown as { labelNames?: string[] }
    for (const label of labelNames)
      assert.ok(described.get(metric.name)?.includes(`\`${label}\``), `${metric.name} ${label}`)
  }
})
