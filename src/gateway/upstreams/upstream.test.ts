import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { freePort } from '#platform/testing'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'

const key = testKey()
const body = '{"phoneNumber":"+99012345678"}'
type Context = Parameters<typeof testUpstream>[0]

async function setup(t: Context, change: Parameters<typeof simSwap>[1] = {}, more = {}) {
  const upstream = await testUpstream(t)
  const entries = [simSwap(upstream.url, change), payments(upstream.url), key.entry, ...customer(1)]
  return { upstream, ...(await testGateway(t, entries, more)), token: key.token(1) }
}

const call = (
  gateway: { url: string; token: string },
  options: { path?: string; method?: string; body?: string | undefined; signal?: AbortSignal } = {},
): Promise<Response> => {
  const { path = '/sim-swap/v2/check', method = 'POST', signal } = options
  const sent = method === 'POST' ? (options.body ?? body) : undefined
  return fetch(gateway.url + path, {
    method,
    headers: { authorization: `Bearer ${gateway.token}`, 'content-type': 'application/json' },
    ...(sent === undefined ? {} : { body: sent }),
    ...(signal === undefined ? {} : { signal }),
  })
}

type Reply = { status: number; headers?: Record<string, string>; body?: string | Buffer }
const jsonReply = (status: number, value: unknown): Reply => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
})

const answers: readonly [string, Reply, number, unknown][] = [
  ['a documented answer passes', jsonReply(200, { swapped: true }), 200, { swapped: true }],
  [
    'a field that the document does not declare is taken out',
    jsonReply(200, { swapped: true, imsi: '1', nested: { a: 1 } }),
    200,
    { swapped: true },
  ],
  ['a body that does not match', jsonReply(200, { swapped: 'yes' }), 502, 'BAD_GATEWAY'],
  ['a body without what is required', jsonReply(200, {}), 502, 'BAD_GATEWAY'],
  ['a status that is not documented', jsonReply(202, { swapped: true }), 502, 'BAD_GATEWAY'],
  ['a redirect', { status: 302, headers: { location: 'http://other/' } }, 502, 'BAD_GATEWAY'],
  [
    'another media type',
    { status: 200, headers: { 'content-type': 'text/html' }, body: '<p>' },
    502,
    'BAD_GATEWAY',
  ],
  ['no media type', { status: 200, body: '{"swapped":true}' }, 502, 'BAD_GATEWAY'],
  [
    'text that is no JSON',
    { status: 200, headers: { 'content-type': 'application/json' }, body: '{' },
    502,
    'BAD_GATEWAY',
  ],
  [
    'an empty body',
    { status: 200, headers: { 'content-type': 'application/json' } },
    502,
    'BAD_GATEWAY',
  ],
  [
    'a body of more than 4 MiB',
    jsonReply(200, { swapped: true, x: 'x'.repeat(4_200_000) }),
    502,
    'BAD_GATEWAY',
  ],
  [
    'an error of the standard model passes',
    jsonReply(422, { status: 422, code: 'SERVICE_NOT_APPLICABLE', message: 'No.', secret: 1 }),
    422,
    'SERVICE_NOT_APPLICABLE',
  ],
  [
    'a common error that is not documented passes',
    jsonReply(409, { status: 409, code: 'CONFLICT', message: 'No.' }),
    409,
    'CONFLICT',
  ],
  [
    'an error of the API passes under a documented status',
    jsonReply(403, { status: 403, code: 'SIM_SWAP.BLOCKED', message: 'No.' }),
    403,
    'SIM_SWAP.BLOCKED',
  ],
  [
    'an error of the API under another status',
    jsonReply(418, { status: 418, code: 'SIM_SWAP.TEAPOT', message: 'No.' }),
    502,
    'BAD_GATEWAY',
  ],
  [
    'an error whose status lies',
    jsonReply(404, { status: 400, code: 'NOT_FOUND', message: 'x' }),
    502,
    'BAD_GATEWAY',
  ],
  [
    'an error without a message',
    jsonReply(404, { status: 404, code: 'NOT_FOUND' }),
    502,
    'BAD_GATEWAY',
  ],
  [
    'an error page',
    { status: 404, headers: { 'content-type': 'text/html' }, body: 'no' },
    502,
    'BAD_GATEWAY',
  ],
  ['a crash', { status: 500, body: 'at Object.<anonymous>' }, 502, 'BAD_GATEWAY'],
  ['a busy upstream', { status: 503, body: 'busy' }, 503, 'UNAVAILABLE'],
  ['an upstream that limits us', { status: 429, body: '' }, 503, 'UNAVAILABLE'],
  ['an upstream that gave up', { status: 504, body: '' }, 504, 'TIMEOUT'],
  [
    'an upstream that refuses our credential',
    jsonReply(401, { status: 401, code: 'UNAUTHENTICATED', message: 'x' }),
    502,
    'BAD_GATEWAY',
  ],
]
for (const [what, reply, status, expected] of answers)
  test(`upstream: ${what} (${status})`, async (t) => {
    const { upstream, journal, ...gateway } = await setup(t)
    upstream.answer = (_request, response) =>
      void response.writeHead(reply.status, reply.headers).end(reply.body)
    const response = await call(gateway)
    assert.equal(response.status, status)
    const answer = (await response.json()) as Record<string, unknown>
    if (typeof expected === 'string') {
      assert.equal(answer.code, expected)
      assert.equal(answer.status, status)
      assert.equal('secret' in answer, false)
    } else assert.deepEqual(answer, expected)
    assert.equal(journal.records[0]?.status, status)
    assert.equal(journal.records[0]?.units, status === 200 ? 1 : 0)
    assert.equal(journal.records[0]?.refusedBy, status === 200 ? undefined : 'upstream')
  })

test('response fields are made anew: documented ones pass, and nothing of the upstream itself', async (t) => {
  const { upstream, ...gateway } = await setup(t)
  upstream.answer = (_request, response) => {
    response.writeHead(200, {
      'content-type': 'application/json; charset=utf-8',
      'x-total': '3',
      'x-correlator': 'other',
      server: 'Legacy/1.0',
      'set-cookie': 'a=b',
      'x-internal': '10.0.0.1',
      'x-wayleave-partner': 'x',
    })
    response.end('{"swapped":false}')
  }
  const { headers } = await call(gateway)
  assert.equal(headers.get('content-type'), 'application/json')
  assert.equal(headers.get('x-total'), '3')
  assert.notEqual(headers.get('x-correlator'), 'other')
  for (const name of ['server', 'set-cookie', 'x-internal', 'x-wayleave-partner'])
    assert.equal(headers.get(name), null, name)
})

test('a Location of the upstream itself becomes a path, and one of an inner host is left out', async (t) => {
  const { upstream, ...gateway } = await setup(t)
  const create = async (location: string): Promise<string | null> => {
    upstream.answer = (_request, response) =>
      void response
        .writeHead(201, { 'content-type': 'application/json', location })
        .end('{"reference":"r","id":"1"}')
    const response = await call(gateway, {
      path: '/payments/v0.5/payments',
      body: '{"reference":"r"}',
    })
    assert.equal(response.status, 201)
    return response.headers.get('location')
  }
  assert.equal(await create('/payments/v0.5/payments/1'), '/payments/v0.5/payments/1')
  assert.equal(
    await create(`${upstream.url}/payments/v0.5/payments/1`),
    '/payments/v0.5/payments/1',
  )
  assert.equal(await create('http://billing.internal:9000/1'), null)
  assert.equal(await create('//billing.internal/1'), null)
})

test('an answer without a body has none, and a body where none is documented is refused', async (t) => {
  const { upstream, ...gateway } = await setup(t)
  const remove = () => call(gateway, { path: '/payments/v0.5/payments/1', method: 'DELETE' })
  upstream.answer = (_request, response) => void response.writeHead(204).end()
  const fine = await remove()
  assert.equal(fine.status, 204)
  assert.equal(fine.headers.get('content-type'), null)
  upstream.answer = (_request, response) => void response.writeHead(201).end('x')
  const prepared = await fetch(`${gateway.url}/payments/v0.5/payments/prepare`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token}` },
  })
  assert.equal(prepared.status, 502)
})

test('an operation that is not billed has no units', async (t) => {
  const { upstream, journal, ...gateway } = await setup(t)
  upstream.answer = (_request, response) => void response.writeHead(201).end()
  const response = await fetch(`${gateway.url}/payments/v0.5/payments/prepare`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.token}` },
  })
  assert.equal(response.status, 201)
  assert.equal(journal.records[0]?.units, 0)
})

test('an upstream that does not answer in time is 504, and is let go', async (t) => {
  const upstreamTimeout = { kind: 'http', timeoutMs: 80 } as const
  const upstream = await testUpstream(t)
  let closed = false
  upstream.answer = (request) =>
    void request.on('close', () => {
      closed = true
    })
  const api = simSwap(upstream.url, {
    upstream: { ...upstreamTimeout, targets: [{ url: upstream.url }] },
  })
  const gateway = await testGateway(t, [api, key.entry, ...customer(1)])
  const response = await call({ ...gateway, token: key.token(1) })
  assert.equal(response.status, 504)
  assert.equal(((await response.json()) as { code: string }).code, 'TIMEOUT')
  await eventually(() => closed)
})

test('an upstream that begins and stops half-way is 504 within the same deadline', async (t) => {
  const upstream = await testUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
    response.write('{"swapped"')
  })
  const api = simSwap(upstream.url, {
    upstream: { kind: 'http', targets: [{ url: upstream.url }], timeoutMs: 80 },
  })
  const gateway = await testGateway(t, [api, key.entry, ...customer(1)])
  assert.equal((await call({ ...gateway, token: key.token(1) })).status, 504)
})

test('an upstream that is not there is 503; one that hangs up or talks nonsense is 502', async (t) => {
  const { snapshot, ...gateway } = await setup(t)
  snapshot.put(simSwap(`http://127.0.0.1:${await freePort()}`))
  assert.equal((await call(gateway)).status, 503)
  const twoLengths = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello'
  for (const nonsense of ['', 'hello\r\n\r\n', twoLengths]) {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', () => {
        if (nonsense === '') socket.destroy()
        else socket.end(nonsense)
      })
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve())
    })
    t.after(() => void server.close())
    const { port } = server.address() as { port: number }
    snapshot.put(simSwap(`http://127.0.0.1:${port}`))
    assert.equal((await call(gateway)).status, 502, nonsense)
  }
})

test('a POST is never sent twice; a GET is, once, when a kept connection was closed at that moment', async (t) => {
  let connections = 0
  const requests: string[] = []
  const server = createServer((socket) => {
    connections += 1
    let first = true
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      requests.push(data.toString().slice(0, 4))
      if (!first) {
        socket.destroy()
        return
      }
      first = false
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]',
      )
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}`
  const gateway = await testGateway(t, [payments(url), key.entry, ...customer(1)])
  const list = () =>
    call({ ...gateway, token: key.token(1) }, { path: '/payments/v0.5/payments', method: 'GET' })
  assert.equal((await list()).status, 200)
  assert.equal((await list()).status, 200)
  assert.deepEqual(requests, ['GET ', 'GET ', 'GET '])
  const create = await call(
    { ...gateway, token: key.token(1) },
    { path: '/payments/v0.5/payments', body: '{"reference":"r"}' },
  )
  assert.equal(create.status, 502)
  assert.equal(requests.filter((request) => request === 'POST').length, 1)
  assert.ok(connections >= 2)
})

test('a client that leaves cancels the upstream call; it is written down and not billed', async (t) => {
  const { upstream, journal, ...gateway } = await setup(t)
  let reached = false
  let closed = false
  upstream.answer = (request) => {
    reached = true
    request.on('close', () => {
      closed = true
    })
  }
  const controller = new AbortController()
  const response = call(gateway, { signal: controller.signal })
  response.catch(() => undefined)
  await eventually(() => reached)
  controller.abort()
  await assert.rejects(response)
  await eventually(() => closed)
  const [record] = await eventually(() => journal.records.length > 0 && journal.records)
  assert.equal(record?.status, 499)
  assert.equal(record?.refusedBy, 'client')
  assert.equal(record?.units, 0)
})

test('the simulated operator is shown the upstream token, in the sandbox only', async (t) => {
  const upstream = await testUpstream(t)
  const api = simSwap('', { upstream: { kind: 'simulated', timeoutMs: 1_000 } })
  const simulator = { url: upstream.url, token: 'upstream-token' }
  const sandbox = await testGateway(t, [api, key.entry, ...customer(1)], { simulator })
  assert.equal((await call({ ...sandbox, token: key.token(1) })).status, 200)
  assert.equal(upstream.requests[0]?.headers.authorization, 'Bearer upstream-token')
  const production = await testGateway(t, [api, key.entry, ...customer(1)], {
    simulator,
    environment: 'production',
  })
  const refused = await call({ ...production, token: key.token(1) })
  assert.equal(refused.status, 503)
  assert.equal(upstream.requests.length, 1)
})

test('one upstream that hangs does not keep calls from another', async (t) => {
  const slow = await testUpstream(t, () => undefined)
  const fast = await testUpstream(t, (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('[]')
  })
  const gateway = await testGateway(
    t,
    [simSwap(slow.url), payments(fast.url), key.entry, ...customer(1)],
    { limits: { inFlightPerUpstream: 5, drainMs: 100 } },
  )
  const token = key.token(1)
  const held = Array.from({ length: 5 }, () => call({ ...gateway, token }).catch(() => undefined))
  await eventually(() => slow.requests.length === 5)
  assert.equal((await call({ ...gateway, token })).status, 503)
  const other = await call(
    { ...gateway, token },
    { path: '/payments/v0.5/payments', method: 'GET' },
  )
  assert.equal(other.status, 200)
  await Promise.all(held)
})
