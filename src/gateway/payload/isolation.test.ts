import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '#platform/testing'
import type { OperationTerms } from '#snapshot'
import {
  customer,
  memoryPayloads,
  sealing,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { createPayloadStore, type PayloadStore } from './payload-store.ts'
import { isolated, sessions } from './testing-writes.ts'

type Context = Parameters<typeof testUpstream>[0]

const key = testKey()
const number = '+99012345678'
const other = '+99087654321'
const subject = (phoneNumber: string, n = 1): object => ({
  sbj: sealing.seal(phoneNumber, `subject:wl_sbx_${n}`),
})

async function setup(
  t: Context,
  payloads: PayloadStore = memoryPayloads(),
  terms: Readonly<Record<string, OperationTerms>> = isolated,
) {
  let made = 0
  const upstream = await testUpstream(t, (request, response) => {
    if (request.method === 'POST') {
      made += 1
      response.writeHead(201, { 'content-type': 'application/json' })
      response.end(`{"sessionId":"s-${made}"}`)
    } else if (request.method === 'DELETE') response.writeHead(204).end()
    else if (request.url?.startsWith('/sessions/v1/sessions/')) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ sessionId: request.url.split('/').at(-1) }))
    } else {
      const items = ['s-1', 's-2', 's-3', 'x'].map((sessionId) => ({ sessionId }))
      const pagination = { page: 1, perPage: 2, totalCount: 40, totalPages: 20 }
      response.writeHead(200, {
        'content-type': 'application/json',
        'x-total-count': '40',
        'x-total-pages': '20',
        'content-last-key': 'x',
      })
      response.end(JSON.stringify({ items, pagination }))
    }
  })
  const entries = [sessions(upstream.url, terms), key.entry, ...customer(1), ...customer(2)]
  const gateway = await testGateway(t, entries, { payloads })
  return { ...gateway, upstream, entries }
}

const call = (
  gateway: Pick<TestGateway, 'url'>,
  method: string,
  path: string,
  n = 1,
  claims: object = {},
): Promise<Response> =>
  fetch(`${gateway.url}/sessions/v1/sessions${path}`, {
    method,
    headers: {
      authorization: `Bearer ${key.token(n, { ...claims })}`,
      ...(method === 'POST' && { 'content-type': 'application/json' }),
    },
    ...(method === 'POST' && {
      body: 'sbj' in claims ? '{}' : JSON.stringify({ device: { phoneNumber: number } }),
    }),
  })

const told = async (response: Response): Promise<object> => {
  const { message, ...rest } = (await response.json()) as { message: string }
  return { ...rest, message }
}

test('a thing of another application looks exactly as one that does not exist, and the upstream is not asked', async (t) => {
  const gateway = await setup(t)
  assert.equal((await call(gateway, 'POST', '')).status, 201)
  assert.equal((await call(gateway, 'GET', '/s-1')).status, 200)
  const asked = gateway.upstream.requests.length
  for (const method of ['GET', 'DELETE']) {
    const foreign = await call(gateway, method, '/s-1', 2)
    const absent = await call(gateway, method, '/nothing', 2)
    assert.equal(foreign.status, 404)
    assert.deepEqual(await told(foreign), await told(absent))
  }
  assert.equal(gateway.upstream.requests.length, asked)
  assert.equal((await call(gateway, 'DELETE', '/s-1')).status, 204)
})

test('with a token of a subscriber a thing is that subscriber’s; without one it is the application’s', async (t) => {
  const gateway = await setup(t)
  assert.equal((await call(gateway, 'POST', '', 1, subject(number))).status, 201)
  assert.equal((await call(gateway, 'GET', '/s-1', 1, subject(number))).status, 200)
  assert.equal((await call(gateway, 'GET', '/s-1', 1, subject(other))).status, 404)
  assert.equal((await call(gateway, 'GET', '/s-1', 1)).status, 200)
  assert.equal((await call(gateway, 'GET', '/s-1', 2, subject(number, 2))).status, 404)
  // Made without a token of theirs, but about them.
  assert.equal((await call(gateway, 'POST', '', 1)).status, 201)
  assert.equal((await call(gateway, 'GET', '/s-2', 1, subject(number))).status, 200)
  assert.equal((await call(gateway, 'GET', '/s-2', 1, subject(other))).status, 404)
})

test('a list has the caller’s own things only, and its totals tell nothing of the others', async (t) => {
  const gateway = await setup(t)
  await call(gateway, 'POST', '', 1)
  await call(gateway, 'POST', '', 2)
  await call(gateway, 'POST', '', 1)
  const response = await call(gateway, 'GET', '')
  assert.equal(response.status, 200)
  assert.deepEqual(await response.json(), {
    items: [{ sessionId: 's-1' }, { sessionId: 's-3' }],
    pagination: { page: 1, perPage: 2, totalCount: 2, totalPages: 1 },
  })
  assert.equal(response.headers.get('x-total-count'), '2')
  assert.equal(response.headers.get('x-total-pages'), null)
  assert.equal(response.headers.get('content-last-key'), null)
  const foreign = (await (await call(gateway, 'GET', '', 1, subject(other))).json()) as {
    items: object[]
  }
  assert.deepEqual(foreign.items, [])
})

test('ownership is known on every gateway, and survives one', async (t) => {
  const database = await testDatabase(t)
  const store = (): PayloadStore => {
    const made = createPayloadStore(database, 'sandbox', () => performance.now())
    t.after(() => made.stop())
    return made
  }
  const first = await setup(t, store())
  const second = await testGateway(t, first.entries, { payloads: store() })
  assert.equal((await call(first, 'POST', '')).status, 201)
  assert.equal((await call(second, 'GET', '/s-1')).status, 200)
  assert.equal((await call(second, 'GET', '/s-1', 2)).status, 404)
  const { rows } = await database.pool.query('select o::text as row from gateway.resource_owner o')
  assert.equal(rows.length, 1)
  assert.equal(JSON.stringify(rows).includes('s-1'), false)
})

test('without the database what is known goes on, what is not is 503, and nothing is made', async (t) => {
  const payloads = memoryPayloads()
  const gateway = await setup(t, payloads)
  await call(gateway, 'POST', '')
  payloads.down = true
  const asked = gateway.upstream.requests.length
  assert.equal((await call(gateway, 'GET', '/s-1')).status, 200)
  assert.equal((await call(gateway, 'GET', '/s-9')).status, 503)
  assert.equal((await call(gateway, 'GET', '/s-1', 2)).status, 503)
  assert.equal((await call(gateway, 'POST', '')).status, 503)
  assert.equal((await call(gateway, 'GET', '')).status, 503)
  assert.equal(gateway.upstream.requests.length, asked + 1)
})

test('an upstream that gives an id twice does not give one caller the thing of another', async (t) => {
  const gateway = await setup(t)
  await call(gateway, 'POST', '')
  gateway.upstream.answer = (_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' }).end('{"sessionId":"s-1"}')
  }
  assert.equal((await call(gateway, 'POST', '', 2)).status, 502)
  assert.equal((await call(gateway, 'POST', '', 1)).status, 201)
})

test('a thing that is a part of another is made and read only below the caller’s own', async (t) => {
  const gateway = await setup(t, memoryPayloads(), {
    ...isolated,
    readSession: {
      resource: {
        role: 'access',
        name: 'session',
        parameter: 'sessionId',
        within: { name: 'elsewhere/thing', parameter: 'sessionId' },
      },
    },
  })
  await call(gateway, 'POST', '')
  assert.equal((await call(gateway, 'GET', '/s-1')).status, 404)
})

const answering = (gateway: Awaited<ReturnType<typeof setup>>, status: number, body: string) => {
  gateway.upstream.answer = (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }
}

test('a derived rule that meets an id of somebody else’s does not undo a write: it stays with its first maker, and is reported', async (t) => {
  const derived: Record<string, OperationTerms> = Object.fromEntries(
    Object.entries(isolated).map(([name, terms]) => [
      name,
      { ...terms, ...(terms.resource && { resource: { ...terms.resource, derived: true } }) },
    ]),
  )
  const gateway = await setup(t, memoryPayloads(), derived)
  await call(gateway, 'POST', '')
  answering(gateway, 201, '{"sessionId":"s-1"}')
  assert.equal((await call(gateway, 'POST', '', 2)).status, 201)
  assert.equal((await call(gateway, 'GET', '/s-1', 2)).status, 404)
  const [reported] = gateway.gateway.violations()
  assert.equal(reported?.keyword, 'resource-owner')
  assert.equal(reported?.action, 'passed')
})

const loose = (entry: ReturnType<typeof sessions>): ReturnType<typeof sessions> => ({
  ...entry,
  operations: entry.operations.map((one) => ({
    ...one,
    responses: one.responses.map((response) =>
      /^20[01]$/.test(response.status)
        ? { ...response, content: { 'application/json': true } }
        : response,
    ),
  })),
})

async function looseGateway(t: Context, terms: Readonly<Record<string, OperationTerms>>) {
  const upstream = await testUpstream(t)
  const entries = [loose(sessions(upstream.url, terms)), key.entry, ...customer(1), ...customer(2)]
  return { ...(await testGateway(t, entries, { payloads: memoryPayloads() })), upstream, entries }
}

test('ids that are numbers are told apart by every digit', async (t) => {
  const gateway = await looseGateway(t, isolated)
  answering(gateway, 201, '{"sessionId":9007199254740993}')
  assert.equal((await call(gateway, 'POST', '', 1)).status, 201)
  answering(gateway, 201, '{"sessionId":9007199254740992}')
  assert.equal((await call(gateway, 'POST', '', 2)).status, 201)
  answering(gateway, 200, '{}')
  assert.equal((await call(gateway, 'GET', '/9007199254740993', 1)).status, 200)
  assert.equal((await call(gateway, 'GET', '/9007199254740993', 2)).status, 404)
  assert.equal((await call(gateway, 'GET', '/9007199254740992', 1)).status, 404)
})

test('one thing where a list may be is a list of one: somebody else’s is not there', async (t) => {
  const list = { role: 'list' as const, name: 'session', field: 'sessionId' }
  for (const [items, body] of [
    ['', '{"sessionId":"s-1"}'],
    ['items', '{"items":{"sessionId":"s-1"}}'],
  ] as const) {
    const gateway = await looseGateway(t, {
      ...isolated,
      listSessions: { resource: { ...list, items } },
    })
    answering(gateway, 201, '{"sessionId":"s-1"}')
    await call(gateway, 'POST', '', 1)
    answering(gateway, 200, body)
    assert.equal((await call(gateway, 'GET', '', 1)).status, 200)
    assert.equal((await call(gateway, 'GET', '', 2)).status, 404)
  }
})

test('everything that one request makes is its maker’s', async (t) => {
  const gateway = await looseGateway(t, {
    ...isolated,
    createSession: { resource: { role: 'create', name: 'session', field: '[].sessionId' } },
  })
  const ids = Array.from({ length: 20 }, (_, i) => `s-${i}`)
  answering(gateway, 201, JSON.stringify(ids.map((sessionId) => ({ sessionId }))))
  assert.equal((await call(gateway, 'POST', '', 1)).status, 201)
  answering(gateway, 200, '{}')
  for (const id of ids) {
    assert.equal((await call(gateway, 'GET', `/${id}`, 1)).status, 200)
    assert.equal((await call(gateway, 'GET', `/${id}`, 2)).status, 404)
  }
})
