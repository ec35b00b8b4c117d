import assert from 'node:assert/strict'
import { createServer as createTlsServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import { serverCertificate } from '#platform/local-certificate'
import { machineClock } from '#platform/testing-clock'
import { testFolder } from '#platform/testing-folder'
import { customer, testGateway, testKey } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

const key = testKey()
type Context = Parameters<typeof testGateway>[0]

/** A server of bytes: what it does with a connection is up to the test. */
async function rawUpstream(t: Context, onRequest: (socket: Socket, text: string) => void) {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    let text = ''
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0)
      if (end < 0 || text.length < end + 4 + length) return
      const whole = text
      text = ''
      onRequest(socket, whole)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => void server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

const ask = (url: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${url}/sim-swap/v2/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key.token(1)}`, 'content-type': 'application/json' },
    body: '{"phoneNumber":"+99012345678"}',
    ...(signal === undefined ? {} : { signal }),
  })

const gatewayFor = (t: Context, url: string, timeoutMs = 1_000) =>
  testGateway(t, [
    simSwap(url, { upstream: { kind: 'http', targets: [{ url }], timeoutMs } }),
    key.entry,
    ...customer(1),
  ])

const json = '{"swapped":true}'
const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'
const answers: readonly [string, string, number][] = [
  [
    'early hints before the answer',
    `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${head}content-length: 16\r\n\r\n${json}`,
    200,
  ],
  [
    'a 100 that nobody waits for',
    `HTTP/1.1 100 Continue\r\n\r\n${head}content-length: 16\r\n\r\n${json}`,
    200,
  ],
  [
    'a content coding that was not asked for',
    `${head}content-encoding: gzip\r\ncontent-length: 16\r\n\r\n${json}`,
    502,
  ],
  [
    'chunks and trailers',
    `${head}transfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n10\r\n${json}\r\n0\r\nx-sum: 1\r\n\r\n`,
    200,
  ],
  ['an end of the connection instead of a length', `${head}connection: close\r\n\r\n${json}`, 200],
  ['HTTP/1.0', `HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n${json}`, 200],
  ['less than its length', `${head}content-length: 20\r\n\r\n${json}`, 502],
  ['two lengths', `${head}content-length: 16\r\ncontent-length: 17\r\n\r\n${json}`, 502],
  [
    'a length and chunks',
    `${head}content-length: 16\r\ntransfer-encoding: chunked\r\n\r\n10\r\n${json}\r\n0\r\n\r\n`,
    502,
  ],
  ['a length that is none', `${head}content-length: -1\r\n\r\n${json}`, 502],
  [
    'a chunk that is none',
    `${head}transfer-encoding: chunked\r\n\r\nzz\r\n${json}\r\n0\r\n\r\n`,
    502,
  ],
  [
    'a last chunk that is missing',
    `${head}transfer-encoding: chunked\r\n\r\n10\r\n${json}\r\n`,
    502,
  ],
  ['another protocol', 'SSH-2.0-OpenSSH_9.9\r\n', 502],
  [
    'an upgrade that nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
    502,
  ],
  [
    'a field that breaks lines',
    `${head}x-total: 1\r\n x: 2\r\ncontent-length: 16\r\n\r\n${json}`,
    502,
  ],
  ['fields without an end', `${head}${'x-a: '.padEnd(100, 'b')}\r\n`.repeat(400), 502],
  ['nothing but an end', '', 502],
]
for (const [what, text, status] of answers)
  test(`an upstream that answers ${what} is ${status}, and the next call is served`, async (t) => {
    let hostile = true
    const url = await rawUpstream(t, (socket) => {
      if (hostile) socket.end(text, 'latin1')
      else socket.write(`${head}content-length: 16\r\n\r\n${json}`)
    })
    const gateway = await gatewayFor(t, url)
    const response = await ask(gateway.url)
    assert.equal(response.status, status)
    assert.equal(response.headers.get('x-sum'), null)
    assert.equal(response.headers.get('link'), null)
    await response.text()
    hostile = false
    assert.equal((await ask(gateway.url)).status, 200)
  })

test('a second answer that was not asked for is never taken for the answer to another call', async (t) => {
  const other = '{"swapped":false}'
  let calls = 0
  const url = await rawUpstream(t, (socket) => {
    calls += 1
    const own = `${head}content-length: 16\r\n\r\n${json}`
    socket.write(calls === 1 ? `${own}${head}content-length: 17\r\n\r\n${other}` : own)
  })
  const gateway = await gatewayFor(t, url)
  for (let i = 0; i < 5; i += 1)
    assert.deepEqual(await (await ask(gateway.url)).json(), { swapped: true })
})

test('an upstream that drips is cut off at the one deadline of the call', async (t) => {
  const url = await rawUpstream(t, (socket) => {
    socket.write(`${head}content-length: 1000\r\n\r\n`)
    const timer = setInterval(() => socket.write(' '), 20)
    socket.on('close', () => clearInterval(timer))
  })
  const gateway = await gatewayFor(t, url, 300)
  const now = await machineClock()
  const startedMs = now()
  assert.equal((await ask(gateway.url)).status, 504)
  assert.ok(now() - startedMs < 2_000)
})

test('an endless answer is cut off, and holds no memory afterwards', async (t) => {
  const piece = Buffer.alloc(65_536, 0x20)
  let sent = 0
  const url = await rawUpstream(t, (socket) => {
    socket.write(`${head}transfer-encoding: chunked\r\n\r\n`)
    const more = (): void => {
      while (
        !socket.destroyed &&
        socket.write(Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')]))
      )
        sent += piece.length
      if (!socket.destroyed) socket.once('drain', more)
    }
    more()
  })
  const gateway = await gatewayFor(t, url, 5_000)
  assert.equal((await ask(gateway.url)).status, 502)
  const after = sent
  assert.ok(after < 64 * 1_048_576)
})

test('a connection that the upstream closes between two calls costs no write its answer', async (t) => {
  const url = await rawUpstream(t, (socket) => {
    // Kept alive by its words, closed by its deeds.
    socket.write(`${head}content-length: 16\r\n\r\n${json}`, () => socket.end())
  })
  const gateway = await gatewayFor(t, url)
  for (let i = 0; i < 20; i += 1) {
    assert.equal((await ask(gateway.url)).status, 200)
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
})

test('a client that leaves while its call is under way lets the upstream go', async (t) => {
  let open = 0
  const url = await rawUpstream(t, (socket) => {
    open += 1
    socket.on('close', () => {
      open -= 1
    })
  })
  const gateway = await gatewayFor(t, url, 10_000)
  const abort = new AbortController()
  const call = ask(gateway.url, abort.signal).catch(() => undefined)
  await eventually(() => open === 1)
  abort.abort()
  await call
  await eventually(() => open === 0)
  assert.equal(gateway.gateway.upstreams()[0]?.inFlight, 0)
})

test('the certificate of an upstream is verified: a stranger is 503, one of the configured CA serves', async (t) => {
  const { key: privateKey, cert } = await serverCertificate({
    folder: testFolder(t),
    keyFile: undefined,
    certificateFile: undefined,
  })
  const server = createTlsServer({ key: privateKey, cert }, (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(json)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, resolve)
  })
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  const url = `https://localhost:${(server.address() as { port: number }).port}`
  const entries = [simSwap(url), key.entry, ...customer(1)]
  const strict = await testGateway(t, entries)
  assert.equal((await ask(strict.url)).status, 503)
  const trusting = await testGateway(t, entries, { upstreams: { ca: cert } })
  assert.equal((await ask(trusting.url)).status, 200)
})
