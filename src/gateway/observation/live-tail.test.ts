import assert from 'node:assert/strict'
import { get, type IncomingMessage } from 'node:http'
import { test } from 'node:test'
import type { NewRecord } from '#journal'
import { eventually } from '#journal/testing'
import { createInternalServer } from '#platform/internal-server'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'
import { LiveTail } from './live-tail.ts'

type Context = { after: (fn: () => Promise<void> | void) => void }

const record = (id: string, more: Partial<NewRecord> = {}): NewRecord => ({
  id,
  correlator: `Corr-${id}`,
  at: 0,
  environment: 'sandbox',
  partnerId: 'prt_1',
  applicationId: 'app_1',
  apiId: 'sim-swap/v2',
  operationId: 'checkSimSwap',
  method: 'POST',
  status: 200,
  totalMs: 1,
  requestBytes: 0,
  responseBytes: 0,
  units: 1,
  ...more,
})

async function setup(t: Context, mostPerSecond?: number, token = 'secret') {
  const tail = new LiveTail({
    token,
    ...(mostPerSecond === undefined ? {} : { mostPerSecond }),
  })
  const server = createInternalServer({
    host: '127.0.0.1',
    port: 0,
    ready: () => true,
    handlers: { 'GET /internal/v1/tail': tail.handler },
  })
  await server.start()
  t.after(() => server.stop())
  const url = `http://127.0.0.1:${server.port()}/internal/v1/tail`
  const watch = async (query = ''): Promise<{ lines: string[]; response: IncomingMessage }> => {
    const request = get(url + query, { headers: { authorization: 'Bearer secret' }, agent: false })
    t.after(() => void request.destroy())
    request.on('error', () => undefined)
    const response = await new Promise<IncomingMessage>((resolve) => {
      request.on('response', resolve)
    })
    assert.equal(response.statusCode, 200)
    const lines: string[] = []
    let rest = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts.filter((line) => line !== ''))
    })
    return { lines, response }
  }
  return { tail, url, watch }
}

const idsOf = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => (JSON.parse(line) as { record?: { id: string } }).record?.id ?? [])

test('the tail is closed to everyone without its token', async (t) => {
  const { url, tail } = await setup(t)
  for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'secret' }])
    assert.equal((await fetch(url, { headers })).status, 401)
  assert.equal(tail.watched, false)
})

test('a tail without a token is open to nobody', async (t) => {
  const { url, tail } = await setup(t, undefined, '')
  for (const headers of [{}, { authorization: 'Bearer ' }, { authorization: 'Bearer  ' }])
    assert.equal((await fetch(url, { headers })).status, 401)
  assert.equal(tail.watched, false)
})

test('nobody watching costs nothing, and a viewer that leaves is forgotten', async (t) => {
  const { tail, watch } = await setup(t)
  const { response } = await watch()
  await eventually(() => tail.watched)
  response.destroy()
  await eventually(() => !tail.watched)
})

const filters: [string, string[]][] = [
  ['?apiId=payments/v1', ['api']],
  ['?operationId=other', ['operation']],
  ['?partnerId=prt_2', ['partner']],
  ['?applicationId=app_2', ['application']],
  ['?statusClass=5xx', ['failed']],
  ['?refusedBy=limit-rate', ['refused']],
  ['?refusedBy=any', ['refused', 'failed']],
  ['?correlator=FIND', ['correlator']],
  ['?undocumented=true', ['passed']],
  ['?statusClass=4xx&refusedBy=upstream', []],
]
for (const [query, expected] of filters) {
  test(`a viewer with ${query} sees ${expected.join(' and ') || 'nothing else'}`, async (t) => {
    const { tail, watch } = await setup(t)
    const { lines } = await watch(query)
    const everything = await watch()
    await eventually(() => tail.watched)
    const records = [
      record('plain'),
      record('api', { apiId: 'payments/v1' }),
      record('operation', { operationId: 'other' }),
      record('partner', { partnerId: 'prt_2' }),
      record('application', { applicationId: 'app_2' }),
      record('refused', { status: 429, refusedBy: 'limit-rate' }),
      record('failed', { status: 502, refusedBy: 'upstream' }),
      record('correlator', { correlator: 'to-find-me' }),
      record('passed', { undocumented: true }),
    ]
    for (const one of records) tail.publish(one)
    await eventually(() => idsOf(everything.lines).length === records.length)
    assert.deepEqual(idsOf(lines), expected)
  })
}

test('a viewer that does not read loses records and is told how many; another one loses none', async (t) => {
  const { tail, watch } = await setup(t, 1_000_000)
  const slow = await watch()
  slow.response.pause()
  const quick = await watch()
  const big = 'x'.repeat(4_000)
  let published = 0
  const publish = (): void => {
    tail.publish(record(`${published}`, { operationId: big }))
    published += 1
  }
  // Until the buffers of both ends are full, and well beyond.
  for (let round = 0; round < 100; round += 1) {
    for (let i = 0; i < 40; i += 1) publish()
    await eventually(() => idsOf(quick.lines).length === published)
  }
  slow.response.resume()
  const lost = await eventually(() =>
    slow.lines
      .map((line) => (JSON.parse(line) as { lost?: number }).lost ?? 0)
      .find((count) => count > 0),
  )
  await eventually(() => idsOf(slow.lines).length + lost === published)
})

test('more than a screen can show in a second is not sent, but counted', async (t) => {
  const { tail, watch } = await setup(t, 5)
  const { lines } = await watch()
  await eventually(() => tail.watched)
  for (let i = 0; i < 20; i += 1) tail.publish(record(`${i}`))
  await eventually(() => lines.includes('{"lost":15}'))
  assert.equal(idsOf(lines).length, 5)
})

test('at most sixteen watch one gateway', async (t) => {
  const { url, watch } = await setup(t)
  for (let i = 0; i < 16; i += 1) await watch()
  const response = await fetch(url, { headers: { authorization: 'Bearer secret' } })
  assert.equal(response.status, 503)
})

test('what a gateway shows is what it has written down, in its order, and nothing of what was sent', async (t) => {
  const key = testKey()
  const upstream = await testUpstream(t)
  const { tail, watch } = await setup(t)
  const gateway = await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)], { tail })
  const { lines } = await watch()
  await eventually(() => tail.watched)
  const number = '+99012345678'
  for (let i = 0; i < 3; i += 1)
    await fetch(`${gateway.url}/sim-swap/v2/check`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${key.token(1)}`,
        'content-type': 'application/json',
        'x-correlator': `c${i}`,
      },
      body: JSON.stringify({ phoneNumber: number }),
    })
  await eventually(() => lines.length === 3)
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { record: unknown }).record),
    gateway.journal.records,
  )
  assert.ok(!lines.join().includes(number.slice(1)))
  gateway.journal.failing = true
  await fetch(`${gateway.url}/nothing`)
  assert.equal(lines.length, 3)
})
