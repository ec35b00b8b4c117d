import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, get } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Member } from '#gateway'
import { testUpstream } from '#gateway/testing'
import { eventually } from '#journal/testing'
import type { Environment } from '#platform/config'
import { createHttpServer } from '#platform/http-server'
import { createLog } from '#platform/log'
import { recordedCorrelator } from '#platform/recorded-correlator'
import { createSealing } from '#platform/sealing'
import { keepsWithin, machineClock } from '#platform/testing-clock'
import { testFolder } from '#platform/testing-folder'
import { createMonitoring } from './create-monitoring.ts'
import type { LiveCall, LiveSource } from './schema.ts'

type Context = Parameters<typeof testUpstream>[0]
type Gateway = { url: string; token: string; member: Member; child: ChildProcess }

const entry = fileURLToPath(new URL('../gateway/testing-process.ts', import.meta.url))
const sealing = createSealing(Buffer.alloc(32, 7))

async function startGateway(t: Context, upstreamUrl: string, gatewayId: string): Promise<Gateway> {
  const settings = {
    ...{ upstreamUrl, gatewayId, applications: 1, tokens: 1, terms: {}, sync: 'never' },
    ...{ folder: testFolder(t), tailToken: sealing.child('gateway:sandbox').machineToken('tail') },
  }
  const child = fork(entry, [JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  t.after(() => void child.kill('SIGKILL'))
  const [ready] = (await once(child, 'message')) as [
    { port: number; tokens: string[]; internalPort: number },
  ]
  const member: Member = {
    environment: 'sandbox',
    gatewayId,
    address: `http://127.0.0.1:${ready.internalPort}`,
    revision: 7,
    startedAt: new Date(0),
    seenAt: new Date(1_000),
    live: true,
  }
  return { url: `http://127.0.0.1:${ready.port}`, token: ready.tokens[0] ?? '', member, child }
}

async function call(gateway: Gateway, correlator: string, body?: string): Promise<number> {
  const response = await fetch(`${gateway.url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.token}`,
      'content-type': 'application/json',
      'x-correlator': correlator,
    },
    body: body ?? '{"phoneNumber":"+99012345678"}',
  })
  return response.status
}

/** The management API with what it knows of gateways, on a real port. */
async function serve(
  t: Context,
  members: Member[],
  mayStill: () => Promise<boolean> = () => Promise.resolve(true),
) {
  const monitoring = createMonitoring({
    sealing,
    members: async () => members,
    heads: async () => [
      { environment: 'sandbox', revision: 9 },
      { environment: 'production', revision: 3 },
    ],
  })
  const server = createHttpServer({ log: createLog({ name: 'test', level: 'silent' }) })
  server.decorateRequest('mayStill', mayStill)
  await monitoring.routes(server)
  await server.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => server.close())
  return { server, url: `http://127.0.0.1:${(server.server.address() as AddressInfo).port}` }
}

/** Reads server-sent events into lists by name. */
function watch(t: Context, url: string) {
  const seen = {
    calls: [] as LiveCall[],
    sources: [] as LiveSource[],
    lost: 0,
    open: false,
    ended: false,
  }
  const request = get(url, { agent: false }, (response) => {
    seen.open = true
    let rest = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1]
        const data = /^data: (.*)$/m.exec(block)?.[1] ?? ''
        if (event === 'call') seen.calls.push(JSON.parse(data) as LiveCall)
        if (event === 'gateways') seen.sources = JSON.parse(data) as LiveSource[]
        if (event === 'lost') seen.lost += (JSON.parse(data) as { count: number }).count
      }
    })
    response.on('end', () => {
      seen.ended = true
    })
  })
  request.on('error', () => {
    seen.ended = true
  })
  t.after(() => void request.destroy())
  return seen
}

const connected = (seen: { sources: LiveSource[] }, count: number): boolean =>
  seen.sources.length === count && seen.sources.every(({ state }) => state === 'connected')

test('calls of two gateway processes are seen as they happen, filtered, and across a restart of one', async (t) => {
  const upstream = await testUpstream(t)
  const first = await startGateway(t, upstream.url, 'gtw_1')
  const second = await startGateway(t, upstream.url, 'gtw_2')
  const members = [first.member, second.member]
  const { url } = await serve(t, members)
  const all = watch(t, `${url}/exchanges/live`)
  const refused = watch(t, `${url}/exchanges/live?refusedBy=any&environment=sandbox`)
  const other = watch(t, `${url}/exchanges/live?environment=production`)
  await eventually(() => connected(all, 2) && connected(refused, 2))
  assert.equal(await call(first, 'one'), 200)
  assert.equal(await call(second, 'two'), 200)
  assert.equal(await call(second, 'three', '{"phoneNumber":1}'), 400)
  await eventually(() => all.calls.length === 3)
  assert.deepEqual(
    all.calls.map(({ correlator, gatewayId, status }) => [correlator, gatewayId, status]).sort(),
    [
      ['one', 'gtw_1', 200],
      ['three', 'gtw_2', 400],
      ['two', 'gtw_2', 200],
    ],
  )
  await eventually(() => refused.calls.length === 1)
  assert.equal(refused.calls[0]?.refusedBy, 'validate-body')
  assert.deepEqual(other.sources, [])

  second.child.kill('SIGKILL')
  await eventually(() => all.sources.some(({ state }) => state === 'unreachable'))
  assert.equal(await call(first, 'four'), 200)
  await eventually(() => all.calls.some(({ correlator }) => correlator === 'four'))
  const again = await startGateway(t, upstream.url, 'gtw_2')
  members[1] = again.member
  await eventually(() => connected(all, 2))
  assert.equal(await call(again, 'five'), 200)
  await eventually(() => all.calls.some(({ correlator }) => correlator === 'five'))

  members.pop()
  await eventually(() => all.sources.length === 1)
  assert.equal(all.lost, 0)
})

test('what a correlator may tell of somebody reaches a gateway only as its journal has it', async (t) => {
  const asked: (string | null)[] = []
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '', 'http://gw').searchParams.get('correlator'))
    response.writeHead(200).write('\n')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const common = { address, revision: 7, startedAt: new Date(0), seenAt: new Date(0), live: true }
  const { url } = await serve(t, [
    { ...common, environment: 'sandbox', gatewayId: 'one' },
    { ...common, environment: 'production', gatewayId: 'two' },
  ])
  const number = '4917612345678'
  const expected = (['sandbox', 'production'] as const).map((one) =>
    recordedCorrelator(number, sealing.child(`gateway:${one}`)),
  )
  watch(t, `${url}/exchanges/live?correlator=${number}`)
  await eventually(() => asked.length === 2)
  assert.deepEqual(new Set(asked), new Set(expected))
  watch(t, `${url}/exchanges/live?correlator=${expected[0]}&environment=sandbox`)
  await eventually(() => asked.length === 3)
  assert.equal(asked[2], expected[0])
})

test('a gateway that hangs, refuses or talks nonsense is told as unreachable and harms no other', async (t) => {
  const upstream = await testUpstream(t)
  const good = await startGateway(t, upstream.url, 'gtw_good')
  const answers = {
    refuses: (end: (status: number, text: string) => void) => end(401, ''),
    nonsense: (end: (status: number, text: string) => void) =>
      end(200, '{"record":7}\n{"lost":"x"}\nnot json\n{"record":{"environment":"production"}}\n'),
  }
  const members = [good.member]
  for (const [name, answer] of Object.entries(answers)) {
    const server = createServer((_request, response) =>
      answer((status, text) => response.writeHead(status).end(text)),
    )
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    t.after(() => void server.close())
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    members.push({ ...good.member, gatewayId: name, address })
  }
  members.push({ ...good.member, gatewayId: 'nowhere', address: 'http://127.0.0.1:9' })
  const { url } = await serve(t, members)
  const seen = watch(t, `${url}/exchanges/live`)
  await eventually(() => seen.sources.some(({ state }) => state === 'connected'))
  await eventually(() => seen.sources.length === 4)
  assert.equal(await call(good, 'seen'), 200)
  await eventually(() => seen.calls.length > 0)
  assert.deepEqual(
    seen.calls.map(({ correlator }) => correlator),
    ['seen'],
  )
  const unreachable = seen.sources.filter(({ state }) => state === 'unreachable')
  assert.ok(unreachable.some(({ gatewayId }) => gatewayId === 'refuses'))
  assert.ok(unreachable.some(({ gatewayId }) => gatewayId === 'nowhere'))
})

test('at most eight people watch, and a server that closes ends their streams', async (t) => {
  const { url, server } = await serve(t, [])
  const viewers = Array.from({ length: 8 }, () => watch(t, `${url}/exchanges/live`))
  await eventually(async () => {
    const response = await fetch(`${url}/exchanges/live`, { signal: AbortSignal.timeout(2_000) })
    await response.body?.cancel()
    return response.status === 503
  })
  await server.close()
  await eventually(() => viewers.every(({ ended }) => ended))
})

for (const query of ['statusClass=9xx', 'environment=both', 'unknown=1', 'apiId=a%00b'])
  test(`refuses a stream with ${query}`, async (t) => {
    const { url } = await serve(t, [])
    assert.equal((await fetch(`${url}/exchanges/live?${query}`)).status, 400)
  })

test('whoever may no longer watch sees nothing more within a second, and so when nobody knows', async (t) => {
  let may: () => Promise<boolean> = () => Promise.resolve(true)
  const { url } = await serve(t, [], () => may())
  const now = await machineClock()
  for (const after of [
    () => Promise.resolve(false),
    () => Promise.reject(new Error('no database')),
  ]) {
    const tookMs = await keepsWithin(2_000, async () => {
      may = () => Promise.resolve(true)
      const seen = watch(t, `${url}/exchanges/live`)
      await eventually(() => seen.open)
      const removedAt = now()
      may = after
      await eventually(() => seen.ended)
      return now() - removedAt
    })
    assert.ok(tookMs < 2_000, `${tookMs} ms`)
  }
})

test('gateways tell how far behind they are, and what they know of their upstreams', async (t) => {
  const server = createServer((request, response) => {
    const found = request.url === '/upstreams'
    response
      .writeHead(found ? 200 : 404)
      .end(found ? '{"upstreams":[{"api":"sim-swap/v2","targets":[]}]}' : '')
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => void server.close())
  const member = (gatewayId: string, environment: Environment, more: Partial<Member>): Member => ({
    ...{ environment, gatewayId, revision: 7, startedAt: new Date(0), seenAt: new Date(1_000) },
    ...{ address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, live: true },
    ...more,
  })
  const { url } = await serve(t, [
    member('gtw_1', 'sandbox', {}),
    member('gtw_2', 'production', { revision: 3, address: 'http://127.0.0.1:9' }),
    member('gtw_3', 'sandbox', { live: false }),
  ])
  const { items } = (await (await fetch(`${url}/gateways`)).json()) as {
    items: { gatewayId: string; behind: number; state: string }[]
  }
  assert.deepEqual(
    items.map(({ gatewayId, behind, state }) => [gatewayId, behind, state]),
    [
      ['gtw_1', 2, 'live'],
      ['gtw_2', 0, 'live'],
      ['gtw_3', 2, 'gone'],
    ],
  )
  const reports = (await (await fetch(`${url}/gateways/reports`)).json()) as {
    items: { gatewayId: string; upstreams?: unknown; fault?: string }[]
  }
  assert.equal(reports.items.length, 2)
  assert.deepEqual(reports.items[0]?.upstreams, [{ api: 'sim-swap/v2', targets: [] }])
  assert.match(reports.items[1]?.fault ?? '', /ECONNREFUSED/)
})
