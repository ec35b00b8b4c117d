import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Pool } from 'undici'
import { eventually } from '#journal/testing'
import { machineClock } from '#platform/testing-clock'
import { testFolder } from '#platform/testing-folder'
import { testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'
import type { ProcessReady, ProcessSettings } from '../testing-process.ts'
import { body, testCertificate } from './testing-tls.ts'

const entry = fileURLToPath(new URL('../testing-process.ts', import.meta.url))
type Context = Parameters<typeof testUpstream>[0]
type Running = ProcessReady & { child: ChildProcess; exit: Promise<unknown[]> }

const signingKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  format: 'pem',
  type: 'pkcs8',
})

async function start(t: Context, more: Partial<ProcessSettings>): Promise<Running> {
  const settings: ProcessSettings = {
    upstreamUrl: 'http://127.0.0.1:9',
    folder: testFolder(t),
    gatewayId: 'gtw_1',
    applications: 1,
    tokens: 1,
    terms: {},
    sync: 'never',
    signingKey: String(signingKey),
    ...more,
  }
  const child = fork(entry, [JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  t.after(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit')
  const [ready] = (await once(child, 'message')) as [ProcessReady]
  return { ...ready, child, exit }
}

const headersOf = ({ tokens }: Running): Record<string, string> => ({
  authorization: `Bearer ${tokens[0]}`,
  'content-type': 'application/json',
})

type Load = { calls: number; failures: string[]; end: boolean; servedBy: Set<number> }

/**
 * Keep-alive clients that leave a gateway for the next one when an answer of it ends the connection, and never try a call
 * twice. The last one may end connections too: each has its number of requests.
 */
async function http1Load(t: Context, gateways: readonly Running[], load: Load): Promise<void> {
  const pools = gateways.map(
    ({ port }) => new Pool(`http://127.0.0.1:${port}`, { connections: 8, pipelining: 1 }),
  )
  t.after(async () => void (await Promise.all(pools.map((pool) => pool.destroy()))))
  let current = 0
  const client = async (): Promise<void> => {
    while (!load.end) {
      const used = current
      const [gateway, pool] = [gateways[used], pools[used]]
      if (gateway === undefined || pool === undefined) return
      const answer = await pool.request({
        method: 'POST',
        path: '/sim-swap/v2/check',
        headers: headersOf(gateway),
        body,
      })
      await answer.body.dump()
      if (answer.statusCode !== 200) load.failures.push(String(answer.statusCode))
      if (answer.headers.connection === 'close') current = Math.min(used + 1, gateways.length - 1)
      load.calls += 1
      load.servedBy.add(used)
    }
  }
  await Promise.all(
    Array.from({ length: 8 }, () =>
      client().catch((error: Error) => load.failures.push(error.message)),
    ),
  )
}

/**
 * The same on one HTTP/2 session, which is left when it gets a GOAWAY. What the gateway says that it has not processed
 * (RFC 9113 section 8.7) is sent again elsewhere, as clients do; nothing else is.
 */
async function http2Load(t: Context, gateways: readonly Running[], load: Load, ca: string) {
  let current = 0
  const open = (): ClientHttp2Session => {
    const own = current
    const made = connectHttp2(`https://localhost:${gateways[own]?.tlsPort}`, { ca })
    made.on('error', (error) => load.failures.push(error.message))
    made.on('goaway', () => {
      if (own !== current || load.end) return
      current += 1
      session = open()
    })
    t.after(() => made.destroy())
    return made
  }
  let session = open()
  const ask = async (correlator: string): Promise<string> => {
    const [used, gateway] = [current, gateways[current]]
    if (gateway === undefined) return 'no gateway is left'
    const stream = session.request({
      ':method': 'POST',
      ':path': '/sim-swap/v2/check',
      'x-correlator': correlator,
      ...headersOf(gateway),
    })
    let status = ''
    stream.on('response', (fields) => {
      status = String(fields[':status'])
      load.servedBy.add(used)
    })
    stream.on('error', () => undefined)
    stream.end(body)
    stream.resume()
    await new Promise((resolve) => {
      stream.on('close', resolve)
    })
    return status === '' ? `code ${stream.rstCode}` : status
  }
  const client = async (name: number): Promise<void> => {
    for (let turn = 0; !load.end; turn += 1) {
      const correlator = `c-${name}-${turn}`
      let outcome = await ask(correlator)
      if (outcome === `code ${constants.NGHTTP2_REFUSED_STREAM}`) outcome = await ask(correlator)
      if (outcome !== '200') load.failures.push(outcome)
      load.calls += 1
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, name) => client(name)))
}

for (const protocol of ['HTTP/1.1', 'HTTP/2'] as const)
  test(`SIGTERM under load of ${protocol} fails not one call, and none is done twice`, async (t) => {
    const certificate = await testCertificate(t)
    const upstream = await testUpstream(t)
    const settings = { lameDuckMs: 1_000, certificate, upstreamUrl: upstream.url }
    const gateways = await Promise.all([start(t, settings), start(t, settings)])
    const load: Load = { calls: 0, failures: [], end: false, servedBy: new Set() }
    const done =
      protocol === 'HTTP/1.1'
        ? http1Load(t, gateways, load)
        : http2Load(t, gateways, load, certificate.cert)
    await eventually(() => load.calls > 200)
    gateways[0].child.kill('SIGTERM')
    assert.deepEqual(await gateways[0].exit, [0, null])
    const after = load.calls
    await eventually(() => load.calls > after + 200)
    load.end = true
    await done
    assert.deepEqual(load.failures, [])
    assert.deepEqual([...load.servedBy], [0, 1])
    assert.equal(upstream.requests.length, load.calls)
  })

/** A client on a thread of its own: it asks, then asks again on the same connection once the cell is not 0. */
const clientThread = `
  const { workerData: { port, request, cell }, parentPort } = require('node:worker_threads')
  const socket = require('node:net').connect(port, '127.0.0.1', () => socket.write(request))
  let answers = ''
  socket.on('data', (bytes) => {
    const isFirst = answers === ''
    answers += bytes
    if (!isFirst) return
    parentPort.postMessage('asked')
    Atomics.wait(cell, 0, 0)
    socket.write(request)
  })
  socket.on('error', (error) => { answers += error.message })
  socket.on('close', () => parentPort.postMessage(answers))
`

test('a gateway that stands still while it announces its end does not count that as having told anybody', async (t) => {
  const key = testKey()
  const upstream = await testUpstream(t)
  const { gateway, url } = await testGateway(t, [simSwap(upstream.url), key.entry], {
    limits: { lameDuckMs: 200 },
  })
  const cell = new Int32Array(new SharedArrayBuffer(4))
  const { port, pathname } = new URL(url)
  const request = `GET ${pathname} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`
  const client = new Worker(clientThread, {
    eval: true,
    workerData: { port: Number(port), request, cell },
  })
  t.after(async () => void (await client.terminate()))
  assert.deepEqual(await once(client, 'message'), ['asked'])
  const stopped = gateway.stop()
  await setImmediate()
  Atomics.store(cell, 0, 1)
  Atomics.notify(cell, 0)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600)
  const [answers] = (await once(client, 'message')) as [string]
  assert.deepEqual(answers.match(/HTTP\/1\.1 \d+|Connection: \S+/g), [
    'HTTP/1.1 404',
    'Connection: keep-alive',
    'HTTP/1.1 404',
    'Connection: close',
  ])
  await stopped
})

test('a second SIGTERM ends a drain at once', async (t) => {
  const gateway = await start(t, { lameDuckMs: 15_000 })
  const socket = connect(gateway.port, '127.0.0.1')
  t.after(() => void socket.destroy())
  await once(socket, 'connect')
  gateway.child.kill('SIGTERM')
  const again = setInterval(() => gateway.child.kill('SIGTERM'), 300)
  t.after(() => clearInterval(again))
  const now = await machineClock()
  const startedMs = now()
  assert.deepEqual(await gateway.exit, [130, null])
  assert.ok(now() - startedMs < 5_000)
})

test('while it announces its end a gateway takes new connections, is not ready, and says so in each answer', async (t) => {
  const key = testKey()
  const upstream = await testUpstream(t)
  const { gateway, url } = await testGateway(t, [simSwap(upstream.url), key.entry], {
    limits: { lameDuckMs: 2_000 },
  })
  const call = async (): Promise<string | null> => (await fetch(url)).headers.get('connection')
  assert.equal(await call(), 'keep-alive')
  const stopped = gateway.stop()
  assert.equal(gateway.ready(), false)
  assert.equal(await call(), 'close')
  assert.equal(await call(), 'close')
  await stopped
  await assert.rejects(call())
})

test('a gateway that nobody calls has nobody to tell, and ends at once', async (t) => {
  const { gateway } = await testGateway(t, [], { limits: { lameDuckMs: 15_000 } })
  const now = await machineClock()
  const startedMs = now()
  await gateway.stop()
  assert.ok(now() - startedMs < 3_000)
})
