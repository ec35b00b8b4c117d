import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import type { ApiEntry } from '#snapshot'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'

const key = testKey()
const token = key.token(1)
const origin = 'https://app.example'
const cors = { origins: [origin, 'http://localhost:3000/'], maxAgeSeconds: 600 }
type Context = Parameters<typeof testUpstream>[0]

async function setup(t: Context, change: Partial<ApiEntry> = { cors }, limits = {}) {
  const upstream = await testUpstream(t)
  const browsable = { ...payments(upstream.url), ...change }
  const entries = [browsable, simSwap(upstream.url), key.entry, ...customer(1)]
  return { upstream, ...(await testGateway(t, entries, { limits })) }
}

type Answer = { status: number; headers: Record<string, string | string[] | undefined> }

/** What no `fetch` would send: a browser adds these fields itself. */
function send(
  url: string,
  method: string,
  headers: Record<string, string | string[]>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers }, (response) => {
      response.resume()
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers }),
      )
    })
    sent.on('error', reject)
    sent.end()
  })
}

const preflight = (
  url: string,
  path: string,
  more: Record<string, string | string[]> = {},
): Promise<Answer> =>
  send(`${url}${path}`, 'OPTIONS', {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
    ...more,
  })

const crossOriginFields = ({ headers }: Answer): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'))

test('a browser that asks whether it may call is answered without a credential or an upstream', async (t) => {
  const { url, upstream } = await setup(t)
  const answer = await preflight(url, '/payments/v0.5/payments')
  assert.equal(answer.status, 204)
  assert.equal(answer.headers['access-control-allow-origin'], origin)
  assert.equal(answer.headers['access-control-allow-methods'], 'GET, POST')
  assert.equal(
    answer.headers['access-control-allow-headers'],
    'authorization, content-type, x-correlator, idempotency-key, dpop, x-api-key, x-trace-level',
  )
  assert.equal(answer.headers['access-control-max-age'], '600')
  assert.match(String(answer.headers.vary), /^Origin,/)
  assert.equal(answer.headers['access-control-allow-credentials'], undefined)
  assert.equal(answer.headers['content-length'], undefined)
  const one = await preflight(url, '/payments/v0.5/payments/p1', {
    'access-control-request-method': 'DELETE',
    origin: 'http://localhost:3000',
  })
  assert.equal(one.headers['access-control-allow-methods'], 'DELETE, GET')
  assert.equal(one.headers['access-control-allow-origin'], 'http://localhost:3000')
  assert.equal(upstream.requests.length, 0)
})

for (const other of [
  'https://app.example.evil.example',
  'https://evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://APP.example',
  'https://app.example/',
  'https://sub.app.example',
  'null',
  '*',
  '',
])
  test(`no page of ${JSON.stringify(other)} may call or read`, async (t) => {
    const { url } = await setup(t)
    const asked = await preflight(url, '/payments/v0.5/payments', { origin: other })
    assert.notEqual(asked.status, 204)
    assert.deepEqual(crossOriginFields(asked), [])
    const called = await send(`${url}/payments/v0.5/payments`, 'GET', {
      origin: other,
      authorization: `Bearer ${token}`,
    })
    assert.deepEqual(crossOriginFields(called), [])
    assert.match(String(called.headers.vary), /Origin/)
  })

test('a page can read every answer of its API: results, refusals, and those of no operation', async (t) => {
  const { url, upstream } = await setup(t)
  upstream.answer = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('[]')
  }
  const of = (path: string, method = 'GET', more = {}): Promise<Answer> =>
    send(`${url}${path}`, method, { origin, authorization: `Bearer ${token}`, ...more })
  const answers: [number, Answer][] = [
    [200, await of('/payments/v0.5/payments')],
    [401, await of('/payments/v0.5/payments', 'GET', { authorization: 'Bearer x' })],
    [400, await of('/payments/v0.5/payments?page=x')],
    [400, await of('/payments/v0.5/payments', 'GET', { 'x-correlator': 'ä' })],
    [400, await of('/payments/v0.5/%70ayments')],
    [404, await of('/payments/v0.5/nothing/here')],
    [405, await of('/payments/v0.5/payments', 'PUT')],
    [405, await of('/payments/v0.5/payments', 'OPTIONS')],
  ]
  for (const [status, answer] of answers) {
    assert.equal(answer.status, status)
    assert.equal(answer.headers['access-control-allow-origin'], origin, String(status))
    assert.match(
      String(answer.headers['access-control-expose-headers']),
      /x-correlator.*retry-after.*www-authenticate, age/,
    )
    assert.match(String(answer.headers.vary), /Origin/)
  }
  const plain = await send(`${url}/payments/v0.5/payments`, 'GET', {})
  assert.equal(plain.headers.vary, 'Origin')
  assert.deepEqual(crossOriginFields(plain), [])
})

test('an overloaded gateway says so to pages as well', async (t) => {
  const { url } = await setup(t, { cors }, { inFlight: 0 })
  const answer = await send(`${url}/payments/v0.5/payments`, 'GET', { origin })
  assert.equal(answer.status, 503)
  assert.equal(answer.headers['access-control-allow-origin'], origin)
})

test('an API without origins says nothing of them, and has no OPTIONS', async (t) => {
  const { url, snapshot, upstream } = await setup(t)
  const asked = await preflight(url, '/sim-swap/v2/check')
  assert.equal(asked.status, 405)
  assert.deepEqual(crossOriginFields(asked), [])
  assert.equal(asked.headers.vary, undefined)
  assert.equal((await preflight(url, '/payments/v0.5/nothing/here')).status, 404)
  assert.equal((await preflight(url, '/payments/v0.5/%70ayments')).status, 400)
  // It ends with the entry that named them.
  snapshot.put(payments(upstream.url))
  assert.equal((await preflight(url, '/payments/v0.5/payments')).status, 405)
  snapshot.put({ ...payments(upstream.url), cors: { origins: ['null', 'x'], maxAgeSeconds: 1 } })
  assert.equal((await preflight(url, '/payments/v0.5/payments')).status, 405)
})

test('a flood of preflights costs the journal no more than a bounded number of records', async (t) => {
  const { url, journal } = await setup(t, { cors }, { anonymousRecordsPerSecond: 5 })
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => preflight(url, '/payments/v0.5/payments')),
  )
  assert.ok(answers.every(({ status }) => status === 204))
  await eventually(() => (journal.counters['unrecorded:204'] ?? 0) > 0)
  assert.ok(journal.records.length <= 15, String(journal.records.length))
})
