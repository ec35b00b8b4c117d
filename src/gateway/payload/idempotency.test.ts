import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { testDatabase } from '#platform/testing'
import {
  type Answer,
  contract,
  customer,
  memoryPayloads,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { parseIdempotencyKey } from './idempotency-key.ts'
import { createPayloadStore, type PayloadStore } from './payload-store.ts'
import { sessions } from './testing-writes.ts'

type Context = Parameters<typeof testUpstream>[0]

const key = testKey()
const path = '/sessions/v1/sessions'
const body = JSON.stringify({ device: { phoneNumber: '+99012345678' }, note: 'a' })

const made: Answer = (_request, response) => {
  response.writeHead(201, { 'content-type': 'application/json', location: '/sessions/s-1' })
  response.end('{"sessionId":"s-1","amount":10.00}')
}

async function setup(t: Context, more: { payloads?: PayloadStore; terms?: object } = {}) {
  const upstream = await testUpstream(t, made)
  const payloads = more.payloads ?? memoryPayloads()
  const api = sessions(upstream.url, { createSession: { ...more.terms } })
  const entries = [api, key.entry, ...customer(1), ...customer(2)]
  const gateway = await testGateway(t, entries, { payloads })
  return { ...gateway, upstream, payloads, api }
}

const send = (
  gateway: Pick<TestGateway, 'url'>,
  idempotencyKey: string | undefined,
  more: {
    n?: number
    body?: string
    claims?: object
    method?: string
    path?: string
    signal?: AbortSignal
  } = {},
): Promise<Response> =>
  fetch(gateway.url + (more.path ?? path), {
    method: more.method ?? 'POST',
    headers: {
      authorization: `Bearer ${key.token(more.n ?? 1, { ...more.claims })}`,
      ...(more.method === undefined && { 'content-type': 'application/json' }),
      ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
    },
    ...(more.method === undefined && { body: more.body ?? body }),
    ...(more.signal !== undefined && { signal: more.signal }),
  })

const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { code?: unknown }).code

test('a key is read bare and quoted, and nothing else is one', () => {
  assert.equal(parseIdempotencyKey('abc-1'), 'abc-1')
  assert.equal(parseIdempotencyKey('"abc-1"'), 'abc-1')
  assert.equal(parseIdempotencyKey('"a\\"b\\\\"'), 'a"b\\')
  assert.equal(parseIdempotencyKey('x'.repeat(255))?.length, 255)
  for (const field of [
    '',
    '""',
    'a b',
    'a, b',
    '"a", "b"',
    '"a',
    '"a"b',
    '"a\\c"',
    '"a";p=1',
    'é',
    'x'.repeat(256),
    `"${'x'.repeat(256)}"`,
  ])
    assert.equal(parseIdempotencyKey(field), undefined, field)
})

test('the same request again gets the first answer, without the upstream, quota or bill', async (t) => {
  const gateway = await setup(t)
  gateway.snapshot.put(contract(1, { quota: { limit: 1, period: 'day' } }))
  const first = await send(gateway, 'k1')
  assert.equal(first.status, 201)
  assert.equal(first.headers.get('idempotency-replayed'), null)
  const text = await first.text()
  const again = await send(gateway, '"k1"')
  assert.equal(again.status, 201)
  assert.equal(again.headers.get('idempotency-replayed'), 'true')
  assert.equal(again.headers.get('location'), first.headers.get('location'))
  assert.equal(await again.text(), text)
  assert.equal(gateway.upstream.requests.length, 1)
  await eventually(() => gateway.journal.records.length === 2)
  assert.deepEqual(
    gateway.journal.records.map(({ units, idempotency, status }) => [units, idempotency, status]),
    [
      [1, 'kept', 201],
      [0, 'replayed', 201],
    ],
  )
  // Another key is another request, and the quota of one is used.
  assert.equal((await send(gateway, 'k2')).status, 429)
})

test('the key of one application, path or method says nothing of another, and is not told to the upstream', async (t) => {
  const gateway = await setup(t)
  assert.equal((await send(gateway, 'k')).status, 201)
  assert.equal((await send(gateway, 'k', { n: 2 })).headers.get('idempotency-replayed'), null)
  assert.equal(gateway.upstream.requests.length, 2)
  const keys = gateway.upstream.requests.map(({ headers }) => headers['idempotency-key'])
  assert.notEqual(keys[0], keys[1])
  assert.match(String(keys[0]), /^[A-Za-z0-9_-]{43}$/)
})

test('another request with the same key is refused, and so is the same one for another subscriber', async (t) => {
  const gateway = await setup(t)
  assert.equal((await send(gateway, 'k')).status, 201)
  const other = await send(gateway, 'k', { body: body.replace('"a"', '"b"') })
  assert.equal(other.status, 422)
  assert.equal(await codeOf(other), 'IDEMPOTENCY_KEY_REUSED')
  assert.equal((await send(gateway, 'k', { path: `${path}?x=1` })).status, 422)
  assert.equal(gateway.upstream.requests.length, 1)
})

test('a malformed key, a key twice and a missing one where it is required are 400, before anything is done', async (t) => {
  const gateway = await setup(t, { terms: { idempotency: 'required' } })
  for (const field of ['a b', '', undefined])
    assert.equal((await send(gateway, field)).status, 400, String(field))
  const twice = await fetch(gateway.url + path, {
    method: 'POST',
    headers: [
      ['authorization', `Bearer ${key.token(1)}`],
      ['content-type', 'application/json'],
      ['idempotency-key', 'a'],
      ['idempotency-key', 'a'],
    ],
    body,
  })
  assert.equal(twice.status, 400)
  assert.equal(gateway.upstream.requests.length, 0)
  assert.equal((await send(gateway, 'a')).status, 201)
})

test('refusals and answers that mean that nothing was done are not kept: the same key may be used again', async (t) => {
  const gateway = await setup(t)
  const { upstream } = gateway
  for (const status of [400, 403, 429, 503]) {
    const codes = {
      400: 'INVALID_ARGUMENT',
      403: 'PERMISSION_DENIED',
      429: 'TOO_MANY_REQUESTS',
      503: 'UNAVAILABLE',
    }
    upstream.answer = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ status, code: codes[status as 400], message: 'no' }))
    }
    assert.equal((await send(gateway, `k${status}`)).status, status)
    upstream.answer = made
    assert.equal((await send(gateway, `k${status}`)).status, 201)
  }
  assert.equal((await send(gateway, 'k', { body: '{"note":1}' })).status, 400)
  assert.equal((await send(gateway, 'k')).status, 201)
})

test('a business error and an unusable answer are kept as they are: what was done is not done again', async (t) => {
  const gateway = await setup(t)
  const { upstream } = gateway
  upstream.answer = (_request, response) => {
    response.writeHead(409, { 'content-type': 'application/json' })
    response.end('{"status":409,"code":"ALREADY_EXISTS","message":"no"}')
  }
  assert.equal((await send(gateway, 'a')).status, 409)
  upstream.answer = (_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' }).end('{"sessionId":5}')
  }
  assert.equal((await send(gateway, 'b')).status, 502)
  upstream.answer = made
  const conflict = await send(gateway, 'a')
  assert.equal(conflict.status, 409)
  assert.equal(conflict.headers.get('idempotency-replayed'), 'true')
  assert.equal((await send(gateway, 'b')).status, 502)
  assert.equal(upstream.requests.length, 2)
})

test('an upstream that broke off leaves an unknown outcome, which is said and never tried again', async (t) => {
  const gateway = await setup(t)
  gateway.upstream.answer = (_request, response) => response.socket?.destroy()
  assert.equal((await send(gateway, 'k')).status, 502)
  gateway.upstream.answer = made
  const again = await send(gateway, 'k')
  assert.equal(again.status, 409)
  assert.equal(await codeOf(again), 'CONFLICT')
  assert.equal(gateway.upstream.requests.length, 1)
})

test('an answer that could not be written down is not given again unbilled: its outcome is unknown', async (t) => {
  const gateway = await setup(t)
  gateway.journal.failing = true
  assert.equal((await send(gateway, 'k')).status, 503)
  gateway.journal.failing = false
  assert.equal((await send(gateway, 'k')).status, 409)
  assert.equal(gateway.upstream.requests.length, 1)
})

test('without the database a write with a key is 503 before it acts, and one without a key goes on', async (t) => {
  const payloads = memoryPayloads()
  const gateway = await setup(t, { payloads })
  payloads.down = true
  const refused = await send(gateway, 'k')
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('retry-after'), '1')
  assert.equal(gateway.upstream.requests.length, 0)
  assert.equal((await send(gateway, undefined)).status, 201)
})

test('a client that leaves while its write is done gets the answer when it asks again', async (t) => {
  const gateway = await setup(t)
  const release = Promise.withResolvers<void>()
  gateway.upstream.answer = (request, response, sent) => {
    void release.promise.then(() => made(request, response, sent))
  }
  const leaving = new AbortController()
  const first = send(gateway, 'k', { signal: leaving.signal })
  await eventually(() => gateway.upstream.requests.length === 1)
  leaving.abort()
  await assert.rejects(first)
  assert.equal((await send(gateway, 'k')).status, 409)
  release.resolve()
  await eventually(async () => (await send(gateway, 'k')).status === 201)
  assert.equal(gateway.upstream.requests.length, 1)
  const done = gateway.journal.records.filter(({ idempotency }) => idempotency === 'kept')
  assert.deepEqual(
    done.map(({ status, units }) => [status, units]),
    [[201, 1]],
  )
})

test('what is replayed is masked as the contract says now, not as it said then', async (t) => {
  const gateway = await setup(t)
  assert.deepEqual(await (await send(gateway, 'k')).json(), { sessionId: 's-1', amount: 10 })
  gateway.snapshot.put(contract(1, { masks: [{ apiId: '*', field: 'sessionId', action: 'mask' }] }))
  assert.deepEqual(await (await send(gateway, 'k')).json(), { sessionId: 's***', amount: 10 })
  gateway.snapshot.put(contract(1))
  const plain = await send(gateway, 'k')
  assert.equal(await plain.text(), '{"sessionId":"s-1","amount":10.00}')
  assert.equal(gateway.upstream.requests.length, 1)
})

test('what is replayed has nothing that a fresh answer may not have: after masks came, and after the document changed', async (t) => {
  const gateway = await setup(t, { terms: { responses: 'report' } })
  gateway.upstream.answer = (_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json', location: '/sessions/s-1' })
    response.end('{"sessionId":"s-1","owner":{"name":"Anna"},"secretNumber":"+99012345678"}')
  }
  const first = await send(gateway, 'k')
  assert.ok((await first.text()).includes('secretNumber'))
  gateway.snapshot.put(
    contract(1, { masks: [{ apiId: '*', field: 'owner.name', action: 'mask' }] }),
  )
  const masked = await send(gateway, 'k')
  assert.equal(masked.headers.get('idempotency-replayed'), 'true')
  assert.equal(masked.headers.get('location'), '/sessions/s-1')
  assert.deepEqual(await masked.json(), { sessionId: 's-1', owner: { name: 'A***' } })
  gateway.snapshot.put(contract(1))
  const republished = (session: object): void =>
    gateway.snapshot.put({
      ...sessions(gateway.upstream.url),
      schemas: { ...gateway.api.schemas, Session: { type: 'object', ...session } },
    })
  republished({ properties: { sessionId: { type: 'string' } } })
  const stripped = await send(gateway, 'k')
  assert.equal(stripped.status, 201)
  assert.deepEqual(await stripped.json(), { sessionId: 's-1' })
  republished({ required: ['id'], properties: { id: { type: 'string' } } })
  const unfit = await send(gateway, 'k')
  assert.equal(unfit.status, 409)
  assert.equal(unfit.headers.get('location'), null)
  assert.equal(await codeOf(unfit), 'CONFLICT')
  assert.equal(gateway.upstream.requests.length, 1)
})

test('a replayed answer shows the device as a fresh one does, also where the document requires one', async (t) => {
  const gateway = await setup(t)
  const Session = {
    type: 'object',
    required: ['device'],
    properties: { sessionId: { type: 'string' }, device: { $ref: '#/$defs/Device' } },
  }
  gateway.snapshot.put({ ...gateway.api, schemas: { ...gateway.api.schemas, Session } })
  gateway.upstream.answer = (_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end('{"sessionId":"s-1","device":{"phoneNumber":"+99099999999"}}')
  }
  const first = await (await send(gateway, 'k')).text()
  assert.equal(first, '{"sessionId":"s-1"}')
  const again = await send(gateway, 'k')
  assert.equal(again.status, 201)
  assert.equal(await again.text(), first)
})

async function stores(t: Context, count: number): Promise<PayloadStore[]> {
  const database = await testDatabase(t)
  return Array.from({ length: count }, () => {
    const store = createPayloadStore(database, 'sandbox', () => performance.now())
    t.after(() => store.stop())
    return store
  })
}

test('of fifty equal requests at once on two gateways, one reaches the upstream; the others are equal to it or 409', async (t) => {
  const [one, two] = await stores(t, 2)
  assert.ok(one && two)
  const gateway = await setup(t, { payloads: one })
  const second = await testGateway(t, [gateway.api, key.entry, ...customer(1)], { payloads: two })
  const all = await Promise.all(
    Array.from({ length: 50 }, (_, i) => send(i % 2 === 0 ? gateway : second, 'k')),
  )
  const texts = new Set<string>()
  for (const response of all) {
    assert.ok(response.status === 201 || response.status === 409, String(response.status))
    if (response.status === 201) texts.add(await response.text())
    else assert.equal(await codeOf(response), 'ABORTED')
  }
  assert.equal(gateway.upstream.requests.length, 1)
  assert.equal(texts.size, 1)
  const again = await send(second, 'k')
  assert.equal(again.status, 201)
  assert.equal(again.headers.get('idempotency-replayed'), 'true')
})

const request = { fingerprint: 'f', leaseMs: 60_000, keepSeconds: 86_400, repeatable: false }
const claim = (holder: string) => ({
  applicationId: 'app_1',
  operation: 'a/v1 b',
  requestHash: 'h',
  holder,
  state: 'started' as const,
  repeatable: false,
})

test('a holder that died before it acted is replaced, and cannot act any more when it wakes up', async (t) => {
  const [store] = await stores(t, 1)
  assert.ok(store)
  assert.equal((await store.begin(claim('a'), { ...request, leaseMs: 0 })).outcome, 'new')
  assert.equal((await store.begin(claim('b'), request)).outcome, 'new')
  assert.equal(await store.settle(claim('a'), { state: 'executing', leaseMs: 1_000 }), false)
  assert.equal(await store.settle(claim('b'), { state: 'executing', leaseMs: 60_000 }), true)
  assert.equal((await store.begin(claim('c'), request)).outcome, 'running')
  assert.equal(await store.settle(claim('a'), { state: 'released' }), false)
  assert.equal(await store.settle(claim('b'), { state: 'done', answer: 'x' }), true)
  assert.deepEqual(await store.begin(claim('c'), request), { outcome: 'done', answer: 'x' })
})

test('a holder that died after it acted leaves an unknown outcome; only what may be repeated is done again', async (t) => {
  const [store] = await stores(t, 1)
  assert.ok(store)
  await store.begin(claim('a'), request)
  await store.settle(claim('a'), { state: 'executing', leaseMs: 0 })
  assert.equal((await store.begin(claim('b'), request)).outcome, 'unknown')
  assert.equal((await store.begin(claim('c'), { ...request, repeatable: true })).outcome, 'new')
})

test('what was kept for its time is forgotten: its key is free, and its row goes', async (t) => {
  const database = await testDatabase(t)
  const store = createPayloadStore(database, 'sandbox', () => performance.now())
  t.after(() => store.stop())
  await store.begin(claim('a'), { ...request, keepSeconds: 0 })
  const other = { ...request, fingerprint: 'other', keepSeconds: 0 }
  assert.equal((await store.begin(claim('b'), other)).outcome, 'new')
  const swept = await database.pool.query('select gateway.sweep_sandbox_requests(10) as swept')
  assert.deepEqual(swept.rows, [{ swept: 1 }])
  const left = await database.pool.query('select from gateway.idempotent_request')
  assert.equal(left.rowCount, 0)
})

test('what is kept can be read by nobody who has the database', async (t) => {
  const database = await testDatabase(t)
  const store = createPayloadStore(database, 'sandbox', () => performance.now())
  t.after(() => store.stop())
  const gateway = await setup(t, { payloads: store })
  assert.equal((await send(gateway, 'secret-key')).status, 201)
  const { rows } = await database.pool.query(
    'select r::text as row from gateway.idempotent_request r',
  )
  assert.equal(rows.length, 1)
  for (const word of ['99012345678', 'secret-key', 's-1', 'sessionId'])
    assert.equal(JSON.stringify(rows).includes(word), false, word)
})
