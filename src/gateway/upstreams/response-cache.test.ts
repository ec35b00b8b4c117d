import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { eventually } from '#journal/testing'
import type { ApiEntry, ContractEntry, OperationTerms } from '#snapshot'
import type { Operation } from '../operation.ts'
import { keptSeconds } from '../policies/cache.ts'
import {
  type Answer,
  application,
  contract,
  customer,
  type TestGateway,
  testGateway,
  testKey,
  testUpstream,
} from '../testing.ts'
import { payments, simSwap } from '../testing-entries.ts'
import { ResponseCache } from './response-cache.ts'

const key = testKey()
type Context = Parameters<typeof testUpstream>[0]

const counting = (headers: Record<string, string> = {}): Answer => {
  let calls = 0
  return (_request, response) => {
    calls += 1
    response.writeHead(200, { 'content-type': 'application/json', ...headers })
    response.end(JSON.stringify([{ call: calls }]))
  }
}

const published = (url: string, terms: OperationTerms, more: Partial<ApiEntry> = {}): ApiEntry => {
  const api = { ...payments(url), ...more }
  // Members of an element are what they are: the document of the test declares none.
  const list = { type: 'array', items: { type: 'object', additionalProperties: true } }
  const operations = api.operations.map((one) =>
    one.operationId === 'listPayments'
      ? {
          ...one,
          terms,
          responses: [{ status: '200', headers: [], content: { 'application/json': list } }],
        }
      : { ...one, terms },
  )
  return { ...api, operations }
}

async function setup(
  t: Context,
  terms: OperationTerms = { cacheSeconds: 60 },
  more: { api?: Partial<ApiEntry>; terms?: Partial<ContractEntry>; limits?: object } = {},
) {
  const upstream = await testUpstream(t, counting())
  const api = published(upstream.url, terms, more.api)
  const customers = [...customer(1, more.terms), ...customer(2)]
  const limits = more.limits ?? {}
  const gateway = await testGateway(t, [api, key.entry, ...customers], { limits })
  return { upstream, api, gateway }
}

type Asked = { query?: string; n?: number; headers?: Record<string, string> }
const ask = (
  { url }: TestGateway,
  { query = '', n = 1, headers = {} }: Asked = {},
): Promise<Response> =>
  fetch(`${url}/payments/v0.5/payments${query}`, {
    headers: { authorization: `Bearer ${key.token(n)}`, ...headers },
  })
const callOf = async (gateway: TestGateway, asked: Asked = {}): Promise<number> => {
  const response = await ask(gateway, asked)
  assert.equal(response.status, 200)
  const [first] = (await response.json()) as { call: number }[]
  return first?.call ?? 0
}

test('an answer is given again with its age, written down as from the cache, and billed as any', async (t) => {
  const { upstream, gateway } = await setup(t)
  const startedMs = performance.now()
  const first = await ask(gateway)
  assert.equal(first.headers.get('age'), null)
  const second = await ask(gateway)
  const passed = (performance.now() - startedMs) / 1_000
  assert.match(second.headers.get('age') ?? '', /^\d+$/)
  assert.ok(Number(second.headers.get('age')) <= passed)
  assert.equal(await second.text(), await first.text())
  assert.equal(second.headers.get('cache-control'), 'no-store')
  assert.notEqual(second.headers.get('x-correlator'), first.headers.get('x-correlator'))
  assert.equal(upstream.requests.length, 1)
  const [one, other] = gateway.journal.records
  assert.equal(one?.upstream, 'primary')
  assert.equal(other?.upstream, 'cache')
  assert.equal(other?.units, 1)
  assert.equal(other?.upstreamMs, undefined)
  assert.match(await gateway.registry.metrics(), /response_cache_total\{[^}]*result="hit"\} 1/)
})

test('nothing is kept of an operation whose product does not say so', async (t) => {
  const { gateway } = await setup(t, {})
  assert.equal(await callOf(gateway), 1)
  assert.equal(await callOf(gateway), 2)
})

test('another query, field, application or contract is another answer', async (t) => {
  const { gateway } = await setup(t)
  assert.equal(await callOf(gateway), 1)
  assert.equal(await callOf(gateway, { query: '?page=2' }), 2)
  assert.equal(await callOf(gateway, { headers: { 'x-trace-level': 'a' } }), 3)
  assert.equal(await callOf(gateway, { n: 2 }), 4)
  assert.equal(await callOf(gateway), 1)
  assert.equal(await callOf(gateway, { query: '?page=2' }), 2)
  assert.equal(await callOf(gateway, { headers: { 'x-trace-level': 'a' } }), 3)
})

test('an answer is gone when the API, the contract or the application is another one', async (t) => {
  const { api, gateway } = await setup(t)
  assert.equal(await callOf(gateway), 1)
  gateway.snapshot.put(contract(1, { rate: [{ limit: 100, windowSeconds: 1 }] }))
  assert.equal(await callOf(gateway), 2)
  gateway.snapshot.put(application(1, { credentialIds: ['crd_1', 'crd_9'] }))
  assert.equal(await callOf(gateway), 3)
  gateway.snapshot.put(api)
  assert.equal(await callOf(gateway), 4)
  assert.equal(await callOf(gateway), 4)
})

test('a revoked credential is refused, whatever is kept', async (t) => {
  const { gateway } = await setup(t)
  await callOf(gateway)
  gateway.snapshot.put(application(1, { credentialIds: [] }))
  assert.equal((await ask(gateway)).status, 401)
})

test('a rate of the contract counts calls that the cache answers', async (t) => {
  const rate = [{ limit: 3, windowSeconds: 60 }]
  const { gateway } = await setup(t, { cacheSeconds: 60 }, { terms: { rate } })
  const seen: number[] = []
  for (let i = 0; i < 5; i += 1) seen.push((await ask(gateway)).status)
  assert.deepEqual(seen, [200, 200, 200, 429, 429])
})

test('masks are applied to each call as they are then, and never to what is kept', async (t) => {
  const { gateway } = await setup(t)
  assert.equal(await callOf(gateway), 1)
  const masks = [{ apiId: '*', field: '[].call', action: 'remove' }] as const
  gateway.snapshot.put(contract(1, { masks }))
  assert.equal(await callOf(gateway), 0)
  assert.equal(await callOf(gateway), 0)
})

const personal: readonly [string, OperationTerms, Partial<ApiEntry>][] = [
  ['masked fields', { masks: [{ field: '[].owner', action: 'remove' }] }, {}],
  ['consent as its legal basis', {}, { consent: 'consent' }],
]
for (const [what, terms, api] of personal) {
  test(`an operation with ${what} is not cached, although it has a time to be`, async (t) => {
    const { gateway } = await setup(t, { cacheSeconds: 60, ...terms }, { api })
    assert.deepEqual([await callOf(gateway), await callOf(gateway)], [1, 2])
  })
  test(`an operation with ${what} is cached where the product says that it may be`, async (t) => {
    const { gateway } = await setup(t, { cacheSeconds: 60, cachePersonal: true, ...terms }, { api })
    assert.deepEqual([await callOf(gateway), await callOf(gateway)], [1, 1])
  })
}

test('an operation that names a person in its body has no time to be kept, unless the product says so', () => {
  const api = simSwap('')
  const secondsOf = (terms: OperationTerms): number => {
    const documented = { ...api.operations[0], terms } as Operation['documented']
    return keptSeconds({ api, documented } as Operation)
  }
  assert.equal(secondsOf({ safe: true, cacheSeconds: 5 }), 0)
  assert.equal(secondsOf({ safe: true, cacheSeconds: 5, cachePersonal: true }), 5)
  assert.equal(secondsOf({ safe: true, cacheSeconds: 5, subject: { kind: 'none' } }), 5)
  assert.equal(secondsOf({ cacheSeconds: 5, cachePersonal: true }), 0, 'it may change something')
})

test('a write is not cached', async (t) => {
  const { upstream, gateway } = await setup(t)
  upstream.answer = (_request, response) => {
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end('{"reference":"r"}')
  }
  for (let i = 0; i < 2; i += 1) {
    const response = await fetch(`${gateway.url}/payments/v0.5/payments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
      body: '{"reference":"r"}',
    })
    assert.equal(response.status, 201)
  }
  assert.equal(upstream.requests.length, 2)
})

test('an upstream may say that an answer must not stand, or for how long', async (t) => {
  const { upstream, gateway } = await setup(t)
  upstream.answer = counting({ 'cache-control': 'no-store' })
  assert.deepEqual([await callOf(gateway), await callOf(gateway)], [1, 2])
  upstream.answer = counting({ 'cache-control': 'private, max-age=0' })
  assert.deepEqual([await callOf(gateway), await callOf(gateway)], [1, 2])
  upstream.answer = counting({ 'cache-control': 'max-age=1' })
  const [first, second] = [await callOf(gateway), await callOf(gateway)]
  assert.equal(first, second)
  await eventually(async () => (await callOf(gateway)) > first)
})

test('errors and answers that their document does not allow are not kept', async (t) => {
  const { upstream, gateway } = await setup(t)
  for (const [status, body] of [
    [200, '{"no":"list"}'],
    [404, '{"status":404,"code":"NOT_FOUND","message":"No."}'],
    [500, ''],
  ] as const) {
    upstream.answer = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(body)
    }
    const before = upstream.requests.length
    for (let i = 0; i < 2; i += 1) await (await ask(gateway)).text()
    assert.equal(upstream.requests.length, before + 2)
  }
})

test('the same calls at the same moment are one call of the upstream', async (t) => {
  const { upstream, gateway } = await setup(t)
  const held: (() => void)[] = []
  const well = upstream.answer
  upstream.answer = (...args) => void held.push(() => well(...args))
  const calls = Array.from({ length: 20 }, () => callOf(gateway))
  await eventually(() => upstream.requests.length === 1)
  for (const go of held) go()
  assert.deepEqual(new Set(await Promise.all(calls)), new Set([1]))
  assert.equal(upstream.requests.length, 1)
  assert.equal(
    gateway.journal.records.filter(({ upstream: place }) => place === 'cache').length,
    19,
  )
})

test('those who wait for a call that fails, or whose client leaves, go by themselves', async (t) => {
  const { upstream, gateway } = await setup(t)
  const well = upstream.answer
  const held: (() => void)[] = []
  upstream.answer = (_request, response) => void held.push(() => void response.writeHead(500).end())
  const calls = Array.from({ length: 5 }, () => ask(gateway))
  await eventually(() => upstream.requests.length === 1)
  upstream.answer = well
  for (const go of held) go()
  const seen = (await Promise.all(calls)).map(({ status }) => status)
  assert.deepEqual(seen.sort(), [200, 200, 200, 200, 502])

  const second = await setup(t)
  const answer = second.upstream.answer
  second.upstream.answer = () => undefined
  const leaving = new AbortController()
  const leader = fetch(`${second.gateway.url}/payments/v0.5/payments`, {
    headers: { authorization: `Bearer ${key.token(1)}` },
    signal: leaving.signal,
  }).catch(() => undefined)
  await eventually(() => second.upstream.requests.length === 1)
  const follower = callOf(second.gateway)
  second.upstream.answer = answer
  leaving.abort()
  await leader
  assert.equal(await follower, 1)
})

test('what is kept stays within its bound of bytes, and the one asked for longest ago goes first', () => {
  const operation = { api: { id: 'x' } } as Operation
  const of = { operation, contract: undefined, application: undefined }
  fc.assert(
    fc.property(
      fc.array(fc.record({ key: fc.nat({ max: 30 }), size: fc.nat({ max: 3_000 }) }), {
        maxLength: 100,
      }),
      (steps) => {
        const cache = new ResponseCache(32_000)
        let last: string | undefined
        for (const { key: n, size } of steps) {
          const response = { status: 200, headers: {}, body: Buffer.alloc(size) }
          const stored = cache.put(`${n}`, { ...of, response, keptMs: 0, endsMs: 100 })
          assert.equal(stored, size + `${n}`.length + 600 <= 2_000)
          if (stored) last = `${n}`
          assert.ok(cache.bytes <= 32_000)
          if (last !== undefined) assert.ok(cache.get(last, of, 1))
        }
        cache.forget('x')
        assert.equal(cache.bytes, 0)
      },
    ),
  )
  const cache = new ResponseCache(16_000)
  const put = (name: string): boolean =>
    cache.put(name, {
      ...of,
      response: { status: 200, headers: {}, body: Buffer.alloc(300) },
      keptMs: 0,
      endsMs: 100,
    })
  for (let n = 0; n < 17; n += 1) {
    put(`${n}`)
    cache.get('0', of, 1)
  }
  put('last')
  assert.ok(cache.get('0', of, 1), 'it was asked for')
  assert.equal(cache.get('1', of, 1), undefined)
  assert.equal(cache.get('0', of, 100), undefined, 'its time is over')
})
