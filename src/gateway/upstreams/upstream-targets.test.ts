import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { eventually } from '#journal/testing'
import { freePort } from '#platform/testing'
import { machineClock } from '#platform/testing-clock'
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
type Http = Extract<ApiEntry['upstream'], { kind: 'http' }>

const fine: Answer = (_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end('{"swapped":false}')
}
const failing =
  (status: number): Answer =>
  (_request, response) =>
    void response.writeHead(status).end()

const served = (targets: Http['targets'], more: Partial<Http> = {}, safe = true): ApiEntry => {
  const api = simSwap('', { upstream: { kind: 'http', targets, timeoutMs: 10_000, ...more } })
  return { ...api, operations: api.operations.map((one) => ({ ...one, terms: { safe } })) }
}

const gatewayWith = (t: Context, ...apis: ApiEntry[]): Promise<TestGateway> =>
  testGateway(t, [...apis, key.entry, ...customer(1)], { limits: { drainMs: 100 } })

const check = async (gateway: TestGateway): Promise<Response> => {
  const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
    body: '{"phoneNumber":"+99012345678"}',
  })
  await response.text()
  return response
}
const statuses = async (gateway: TestGateway, calls: number): Promise<number[]> => {
  const seen: number[] = []
  for (let i = 0; i < calls; i += 1) seen.push((await check(gateway)).status)
  return seen
}
const reportOf = (gateway: TestGateway) => gateway.gateway.upstreams()[0]

test('several targets share the calls by weight, and the journal says which served', async (t) => {
  const [a, b] = [await testUpstream(t), await testUpstream(t)]
  const gateway = await gatewayWith(t, served([{ url: a.url, weight: 3 }, { url: b.url }]))
  assert.deepEqual(new Set(await statuses(gateway, 100)), new Set([200]))
  assert.ok(a.requests.length > b.requests.length && b.requests.length > 5)
  const places = new Set(gateway.journal.records.map(({ upstream }) => upstream))
  assert.deepEqual(places, new Set([new URL(a.url).host, new URL(b.url).host]))
})

test('a target that is not there costs no call its answer, and is soon not asked any more', async (t) => {
  const good = await testUpstream(t)
  const gone = `http://127.0.0.1:${await freePort()}`
  // Not even a write: not a byte of it has arrived anywhere.
  const gateway = await gatewayWith(t, served([{ url: gone }, { url: good.url }], {}, false))
  assert.deepEqual(new Set(await statuses(gateway, 50)), new Set([200]))
  assert.equal(good.requests.length, 50)
  assert.equal(reportOf(gateway)?.targets[0]?.state, 'ejected')
  const metrics = await gateway.registry.metrics()
  assert.match(metrics, /upstream_calls_total\{[^}]*result="unreachable"\} [1-9]/)
  assert.match(metrics, /upstream_retries_total\{api="sim-swap\/v2"\} [1-9]/)
  assert.match(metrics, /upstream_removals_total\{[^}]*cause="outlier"\} 1/)
})

test('a safe call that one target answers 503 is answered by another; a write is not sent twice', async (t) => {
  const bad = await testUpstream(t, failing(503))
  const good = await testUpstream(t)
  const targets = [{ url: bad.url }, { url: good.url }]
  const safe = await gatewayWith(t, served(targets))
  assert.deepEqual(new Set(await statuses(safe, 20)), new Set([200]))
  const [sentBad, sentGood] = [bad.requests.length, good.requests.length]
  assert.ok(sentBad > 0)
  const writing = await gatewayWith(t, served(targets, {}, false))
  const seen = await statuses(writing, 20)
  assert.ok(seen.includes(503) && seen.includes(200))
  assert.equal(bad.requests.length - sentBad + good.requests.length - sentGood, 20)
})

test('retries are kept to their budget when everything fails', async (t) => {
  const both = [await testUpstream(t, failing(503)), await testUpstream(t, failing(503))]
  const breaker = { failures: 1_000, openSeconds: 30 }
  const targets = both.map(({ url }) => ({ url }))
  const gateway = await gatewayWith(t, served(targets, { breaker }))
  await Promise.all(Array.from({ length: 18 }, () => check(gateway)))
  const sent = both.reduce((sum, { requests }) => sum + requests.length, 0)
  assert.ok(sent > 18 && sent <= 18 + 2 * 3, `${sent}`)
})

test('five failures in a row open the breaker: 503 at once with Retry-After, and one probe closes it', async (t) => {
  const upstream = await testUpstream(t, failing(500))
  const breaker = { failures: 5, openSeconds: 3 }
  const gateway = await gatewayWith(t, served([{ url: upstream.url }], { breaker }))
  assert.deepEqual(await statuses(gateway, 5), Array(5).fill(502))
  const refused = await check(gateway)
  assert.equal(refused.status, 503)
  assert.match(refused.headers.get('retry-after') ?? '', /^[1-3]$/)
  assert.equal(upstream.requests.length, 5)
  assert.equal(reportOf(gateway)?.targets[0]?.state, 'open')
  const metrics = await gateway.registry.metrics()
  assert.match(metrics, /upstream_breaker\{[^}]*\} 2/)
  assert.match(metrics, /upstream_removals_total\{[^}]*cause="breaker"\} 1/)
  upstream.answer = fine
  await eventually(() => reportOf(gateway)?.targets[0]?.state === 'half-open')
  const parallel = await Promise.all(Array.from({ length: 10 }, () => check(gateway)))
  assert.ok(parallel.some(({ status }) => status === 200))
  assert.equal((await check(gateway)).status, 200)
  assert.equal(reportOf(gateway)?.targets[0]?.state, 'serving')
})

test('what a caller did wrong never opens a breaker', async (t) => {
  const upstream = await testUpstream(t, (_request, response) => {
    response.writeHead(404, { 'content-type': 'application/json' })
    response.end('{"status":404,"code":"NOT_FOUND","message":"No."}')
  })
  const gateway = await gatewayWith(t, served([{ url: upstream.url }]))
  assert.deepEqual(await statuses(gateway, 30), Array(30).fill(404))
  assert.equal(reportOf(gateway)?.targets[0]?.breaker, 'closed')
})

test('the failures that the simulated operator plays for one number keep nobody from the others', async (t) => {
  const upstream = await testUpstream(t, failing(503))
  const api = simSwap('', { upstream: { kind: 'simulated', timeoutMs: 1_000 } })
  const simulator = { url: upstream.url, token: 'token' }
  const gateway = await testGateway(t, [api, key.entry, ...customer(1)], { simulator })
  await statuses(gateway, 30)
  assert.equal(upstream.requests.length, 30)
})

test('an open breaker of one API, at the same host, keeps nothing from another API', async (t) => {
  const host = await testUpstream(t, (request, response, body) => {
    if (request.url?.startsWith('/payments') !== true) failing(500)(request, response, body)
    else {
      response.setHeader('content-type', 'application/json')
      response.end('[]')
    }
  })
  const gateway = await gatewayWith(t, served([{ url: host.url }]), payments(host.url))
  await statuses(gateway, 6)
  assert.equal((await check(gateway)).status, 503)
  const other = await fetch(`${gateway.url}/payments/v0.5/payments`, {
    headers: { authorization: `Bearer ${key.token(1)}` },
  })
  assert.equal(other.status, 200)
})

test('a target that fails its health check gets no calls until it answers again', async (t) => {
  let well = true
  const asked: string[] = []
  const answer: Answer = (request, response, body) => {
    if (request.url !== '/health') return fine(request, response, body)
    asked.push(request.headers['user-agent'] ?? '')
    response.writeHead(well ? 204 : 503).end()
  }
  const watched = await testUpstream(t, answer)
  const health = { path: '/health', intervalSeconds: 1, timeoutMs: 500, unhealthyAfter: 2 }
  const gateway = await gatewayWith(t, served([{ url: `${watched.url}/base` }], { health }))
  assert.equal((await check(gateway)).status, 200)
  well = false
  await eventually(() => reportOf(gateway)?.targets[0]?.state === 'unhealthy')
  const before = watched.requests.filter(({ url }) => url !== '/health').length
  assert.equal((await check(gateway)).status, 503)
  assert.equal(watched.requests.filter(({ url }) => url !== '/health').length, before)
  well = true
  await eventually(() => reportOf(gateway)?.targets[0]?.state === 'serving')
  assert.equal((await check(gateway)).status, 200)
  assert.deepEqual(new Set(asked), new Set(['wayleave-health']))
})

test('health checks end with the API: one that is unpublished or retired is asked no more', async (t) => {
  const upstream = await testUpstream(t)
  const health = { path: '/health', intervalSeconds: 1, timeoutMs: 500, unhealthyAfter: 2 }
  const api = served([{ url: upstream.url }], { health })
  const gateway = await gatewayWith(t, api)
  await eventually(() => upstream.requests.length > 0)
  gateway.snapshot.put({ ...api, lifecycle: 'retired' })
  assert.deepEqual(gateway.gateway.upstreams(), [])
  // One may be on its way.
  await new Promise((resolve) => {
    setTimeout(resolve, 200)
  })
  const after = upstream.requests.length
  await new Promise((resolve) => {
    setTimeout(resolve, 1_300)
  })
  assert.equal(upstream.requests.length, after)
})

test('the upstream is told what is left of the deadline, also at the second attempt', async (t) => {
  const slow: Answer = (request) => void setTimeout(() => request.socket.destroy(), 150)
  const bad = await testUpstream(t, slow)
  const good = await testUpstream(t)
  const api = served(
    [
      { url: bad.url, weight: 1_000 },
      { url: good.url, weight: 1 },
    ],
    {
      timeoutMs: 10_000,
    },
  )
  const gateway = await gatewayWith(t, api)
  await eventually(async () => {
    await check(gateway)
    return bad.requests.length > 0
  })
  assert.equal(bad.requests[0]?.headers['x-wayleave-deadline-ms'], '10000')
  const left = Number(good.requests.at(-1)?.headers['x-wayleave-deadline-ms'])
  assert.ok(left <= 9_860 && left > 0, `${left}`)
})

test("an operation's own deadline is the one that counts", async (t) => {
  const upstream = await testUpstream(t, () => undefined)
  const api = served([{ url: upstream.url }], { timeoutMs: 60_000 })
  const operations = api.operations.map((one) => ({ ...one, terms: { timeoutMs: 120 } }))
  const gateway = await gatewayWith(t, { ...api, operations })
  assert.equal((await check(gateway)).status, 504)
  assert.equal(upstream.requests[0]?.headers['x-wayleave-deadline-ms'], '120')
})

test('a publication with another upstream moves new calls at once and lets the old ones finish', async (t) => {
  const release: (() => void)[] = []
  const old = await testUpstream(t, (...args) => void release.push(() => fine(...args)))
  const next = await testUpstream(t)
  const gateway = await gatewayWith(t, served([{ url: old.url }]))
  const held = check(gateway)
  await eventually(() => old.requests.length === 1)
  gateway.snapshot.put(served([{ url: next.url }]))
  assert.equal((await check(gateway)).status, 200)
  assert.equal(next.requests.length, 1)
  for (const go of release) go()
  assert.equal((await held).status, 200)
})

async function upstreamProcess(t: Context): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(fileURLToPath(new URL('./testing-upstream-process.ts', import.meta.url)))
  t.after(() => void child.kill('SIGKILL'))
  const [port] = await once(child, 'message')
  return { child, url: `http://127.0.0.1:${port}` }
}

test('an upstream that is stopped in the middle of things is 504, then 503 at once, and serves again when it goes on', async (t) => {
  const { child, url } = await upstreamProcess(t)
  const other = await testUpstream(t, (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('[]')
  })
  const breaker = { failures: 3, openSeconds: 1 }
  const api = served([{ url }], { breaker, timeoutMs: 250 })
  const gateway = await gatewayWith(t, api, payments(other.url))
  const now = await machineClock()
  await eventually(async () => (await check(gateway)).status === 200)
  child.kill('SIGSTOP')
  const stopped = await Promise.all(Array.from({ length: 3 }, () => check(gateway)))
  assert.deepEqual(new Set(stopped.map(({ status }) => status)), new Set([504]))
  // When the machine stands still for the second, one call is let through again.
  await eventually(async () => {
    const startedMs = now()
    const { status } = await check(gateway)
    return status === 503 && now() - startedMs < 200
  })
  const elsewhere = await fetch(`${gateway.url}/payments/v0.5/payments`, {
    headers: { authorization: `Bearer ${key.token(1)}` },
  })
  assert.equal(elsewhere.status, 200)
  child.kill('SIGCONT')
  await eventually(async () => (await check(gateway)).status === 200)
})

test('of two upstream processes one may be killed under load: what is safe is answered all the same', async (t) => {
  const [one, two] = await Promise.all([upstreamProcess(t), upstreamProcess(t)])
  const gateway = await gatewayWith(t, served([{ url: one.url }, { url: two.url }]))
  // What one in ten of may be sent a second time.
  await statuses(gateway, 50)
  let killed = false
  const seen = await Promise.all(
    Array.from({ length: 4 }, async (_, i) => {
      const own: number[] = []
      for (let n = 0; n < 100; n += 1) {
        if (i === 0 && n === 30 && !killed) {
          killed = true
          one.child.kill('SIGKILL')
        }
        own.push((await check(gateway)).status)
      }
      return own
    }),
  )
  assert.deepEqual(new Set(seen.flat()), new Set([200]))
})

test('production cannot reach the simulated operator by its address either', async (t) => {
  const simulator = await testUpstream(t)
  const { port } = new URL(simulator.url)
  for (const url of [simulator.url, `http://localhost:${port}/x`, `http://[::1]:${port}`]) {
    const gateway = await testGateway(t, [served([{ url }]), key.entry, ...customer(1)], {
      environment: 'production',
      upstreams: { forbidden: [simulator.url] },
    })
    assert.equal((await check(gateway)).status, 503, url)
  }
  assert.equal(simulator.requests.length, 0)
})

test('large answers that one upstream drips take a part of the memory, and no other API notices', async (t) => {
  const piece = Buffer.alloc(200_000, 0x20)
  const dripping = await testUpstream(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write(piece)
  })
  const other = await testUpstream(t, (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('[]')
  })
  const api = served([{ url: dripping.url }], { timeoutMs: 1_500 })
  const gateway = await testGateway(t, [api, payments(other.url), key.entry, ...customer(1)], {
    limits: { bufferedBytes: 4_000_000, drainMs: 100 },
  })
  const held = Array.from({ length: 40 }, () => check(gateway).catch(() => undefined))
  await eventually(() => dripping.requests.length >= 5)
  const elsewhere = await fetch(`${gateway.url}/payments/v0.5/payments`, {
    headers: { authorization: `Bearer ${key.token(1)}` },
  })
  assert.equal(elsewhere.status, 200)
  const seen = await Promise.all(held)
  assert.ok(seen.some((response) => response?.status === 503))
  assert.equal(gateway.gateway.upstreams().find(({ api: id }) => id === api.id)?.inFlight, 0)
})

test('an API that the platform itself serves gets the token of this gateway, and other upstreams never do', async (t) => {
  const platform = await testUpstream(t)
  const own = simSwap('', { upstream: { kind: 'platform', timeoutMs: 1_000 } })
  const options = { upstreams: { platformUrl: `${platform.url}/internal` } }
  const gateway = await testGateway(t, [own, key.entry, ...customer(1)], options)
  assert.equal((await check(gateway)).status, 200)
  const [request] = platform.requests
  assert.match(String(request?.headers.authorization), /^Bearer [\w-]{43}$/)
  assert.equal(request?.url, '/internal/sim-swap/v2/check')
  const other = await testUpstream(t)
  const usual = await gatewayWith(t, served([{ url: other.url }]))
  assert.equal((await check(usual)).status, 200)
  assert.equal(other.requests[0]?.headers.authorization, undefined)
  const nowhere = await testGateway(t, [own, key.entry, ...customer(1)])
  assert.equal((await check(nowhere)).status, 503)
})
