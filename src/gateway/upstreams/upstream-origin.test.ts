import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns'
import { createServer as createHttps } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import fc from 'fast-check'
import { eventually } from '#journal/testing'
import { serverCertificate } from '#platform/local-certificate'
import { freePort } from '#platform/testing'
import { testFolder } from '#platform/testing-folder'
import { type UpstreamRequest, writeRequest } from './request-text.ts'
import type { Flight } from './upstream-connection.ts'
import { Origin } from './upstream-origin.ts'

type Context = { after: (fn: () => Promise<void> | void) => void }
type Answer = { status: number; body: Buffer; code: string | undefined; flight: Flight }

async function listening(t: Context, server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket.on('error', () => undefined))
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as { port: number }).port
}

/** A server of bytes. `text` is what one connection has sent that was not taken yet. */
function byteServer(
  t: Context,
  onRequest: (socket: Socket, request: string, connection: number) => void,
): Promise<number> {
  let connections = 0
  return listening(
    t,
    createServer((socket) => {
      connections += 1
      const connection = connections
      let text = ''
      socket.on('data', (bytes) => {
        text += bytes.toString('latin1')
        for (;;) {
          const end = text.indexOf('\r\n\r\n') + 4
          const length = Number(/content-length: (\d+)/.exec(text.slice(0, end))?.[1] ?? 0)
          if (end < 4 || text.length < end + length) return
          const request = text.slice(0, end + length)
          text = text.slice(end + length)
          onRequest(socket, request, connection)
        }
      })
    }),
  )
}

function originAt(t: Context, port: number, more: { connections?: number; scheme?: string } = {}) {
  let nowMs = 0
  const origin = new Origin(`${more.scheme ?? 'http'}://localhost:${port}`, {
    connections: more.connections ?? 10,
    secureContext: undefined,
    monotonicMs: () => nowMs,
    lookup,
  })
  t.after(() => origin.close())
  return {
    origin,
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

const get: UpstreamRequest = { method: 'GET', path: '/', headers: [], body: null }

/** One request: resolves when it has ended one way or the other. `onFlight` is given it as soon as it is under way. */
function ask(origin: Origin, request = get, onFlight: (flight: Flight) => void = () => undefined) {
  return new Promise<Answer>((resolve) => {
    const parts: Buffer[] = []
    let status = 0
    const end = (code: string | undefined): void =>
      resolve({ status, body: Buffer.concat(parts), code, flight })
    const flight = origin.send(request, {
      sent: () => undefined,
      headed: (head) => {
        status = head.status
      },
      data: (bytes) => void parts.push(bytes),
      ended: () => end(undefined),
      broke: (code) => end(code),
    })
    onFlight(flight)
  })
}

const ok = (text: string): string =>
  `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`

test('requests one after the other share a connection', async (t) => {
  const port = await byteServer(t, (socket, _text, connection) => socket.write(ok(`${connection}`)))
  const { origin } = originAt(t, port)
  for (let i = 0; i < 5; i += 1) assert.equal((await ask(origin)).body.toString(), '1')
})

test('an answer that nobody asked for ends its connection, and is nobody’s answer', async (t) => {
  const port = await byteServer(t, (socket, _text, connection) => {
    socket.write(ok(`mine ${connection}`))
    setImmediate(() => socket.write(ok('yours')))
  })
  const { origin } = originAt(t, port)
  const seen: string[] = []
  for (let i = 0; i < 20; i += 1) {
    const { body, code } = await ask(origin)
    seen.push(code ?? body.toString())
    await new Promise((resolve) => {
      setTimeout(resolve, 5)
    })
  }
  assert.deepEqual(
    seen,
    seen.map((_, i) => `mine ${i + 1}`),
  )
})

test('an answer with another behind it in the same piece is taken, and its connection is not', async (t) => {
  const port = await byteServer(t, (socket, _text, connection) =>
    socket.write(ok(`mine ${connection}`) + ok('yours')),
  )
  const { origin } = originAt(t, port)
  for (let i = 1; i <= 3; i += 1) assert.equal((await ask(origin)).body.toString(), `mine ${i}`)
})

test('there are never more connections than allowed, and who waits is served in order', async (t) => {
  let open = 0
  let most = 0
  const served: string[] = []
  const port = await byteServer(t, (socket, text) => {
    open += 1
    most = Math.max(most, open)
    served.push(/^GET (\S+)/.exec(text)?.[1] ?? '')
    setTimeout(() => {
      open -= 1
      socket.write(ok('x'))
    }, 5)
  })
  const { origin } = originAt(t, port, { connections: 3 })
  const paths = Array.from({ length: 30 }, (_, i) => `/${i}`)
  const answers = await Promise.all(paths.map((path) => ask(origin, { ...get, path })))
  assert.ok(answers.every(({ status }) => status === 200))
  assert.equal(most, 3)
  assert.deepEqual(served.slice(3), paths.slice(3))
})

test('a request that is cancelled while it waits is never sent', async (t) => {
  const seen: string[] = []
  const waiting: Socket[] = []
  const port = await byteServer(t, (socket, text) => {
    seen.push(/^GET (\S+)/.exec(text)?.[1] ?? '')
    waiting.push(socket)
  })
  const { origin } = originAt(t, port, { connections: 1 })
  const first = ask(origin, { ...get, path: '/first' })
  void ask(origin, { ...get, path: '/second' }, (flight) => flight.cancel())
  const third = ask(origin, { ...get, path: '/third' })
  await eventually(() => waiting.length === 1)
  waiting[0]?.write(ok('1'))
  await first
  await eventually(() => waiting.length === 2)
  waiting[1]?.write(ok('3'))
  assert.equal((await third).body.toString(), '3')
  assert.deepEqual(seen, ['/first', '/third'])
})

test('a request that is cancelled under way ends its connection, and the next one has another', async (t) => {
  let closed = 0
  const port = await byteServer(t, (socket, _text, connection) => {
    socket.on('close', () => {
      closed += 1
    })
    if (connection > 1) socket.write(ok(`${connection}`))
  })
  const { origin } = originAt(t, port)
  const flights: Flight[] = []
  void ask(origin, get, (flight) => flights.push(flight))
  await eventually(() => flights[0]?.connection !== undefined)
  flights[0]?.cancel()
  await eventually(() => closed === 1)
  assert.equal((await ask(origin)).body.toString(), '2')
})

test('a connection that cannot be made is told by its code, each time', async (t) => {
  const { origin } = originAt(t, await freePort(), { connections: 2 })
  const answers = await Promise.all(Array.from({ length: 7 }, () => ask(origin)))
  for (const { code } of answers) assert.equal(code, 'ECONNREFUSED')
})

test('a connection is used again only while the upstream keeps it', async (t) => {
  const timeouts = [undefined, 2, 1]
  const port = await byteServer(t, (socket, _text, connection) => {
    const seconds = timeouts[connection - 1]
    const keep = seconds === undefined ? '' : `keep-alive: timeout=${seconds}\r\n`
    socket.write(`HTTP/1.1 200 OK\r\n${keep}content-length: 1\r\n\r\n${connection}`)
  })
  const { origin, pass } = originAt(t, port)
  const next = async (): Promise<string> => (await ask(origin)).body.toString()
  assert.equal(await next(), '1')
  pass(3_999)
  assert.equal(await next(), '1')
  // Four seconds unless the upstream says less; then a second less than it says.
  pass(4_000)
  assert.equal(await next(), '2')
  pass(999)
  assert.equal(await next(), '2')
  pass(1_000)
  assert.equal(await next(), '3')
  assert.equal(await next(), '4')
})

test('an answer before the whole request was sent ends the connection', async (t) => {
  const port = await listening(
    t,
    createServer((socket) => {
      socket.once('data', () => {
        socket.pause()
        socket.write(ok('early'))
      })
    }),
  )
  const { origin } = originAt(t, port)
  let connection: { usable: boolean } | undefined
  const body = Buffer.alloc(20_000_000)
  const answer = await ask(origin, { ...get, method: 'POST', body }, (flight) => {
    void eventually(() => {
      connection ??= flight.connection
      return connection !== undefined
    })
  })
  assert.equal(answer.body.toString(), 'early')
  assert.equal((connection ?? answer.flight.connection)?.usable, false)
})

test('bodies arrive byte by byte as they were, short and long', async (t) => {
  const port = await byteServer(t, (socket, text) => {
    const body = text.slice(text.indexOf('\r\n\r\n') + 4)
    socket.write(Buffer.from(ok(body), 'latin1'))
  })
  const { origin } = originAt(t, port)
  for (const size of [1, 43, 4_096, 4_097, 70_000, 3_000_000]) {
    const body = randomBytes(size)
    const answer = await ask(origin, { ...get, method: 'POST', body })
    assert.equal(answer.body.compare(body), 0)
  }
})

test('an upstream is believed by its certificate, and a connection in TLS is kept too', async (t) => {
  const files = { keyFile: undefined, certificateFile: undefined }
  const { key, cert } = await serverCertificate({ folder: testFolder(t), ...files })
  let connections = 0
  const server = createHttps({ key, cert }, (_request, response) => response.end('{"a":1}'))
  server.on('secureConnection', () => {
    connections += 1
  })
  const port = await listening(t, server)
  const origin = new Origin(`https://localhost:${port}`, {
    connections: 2,
    secureContext: createSecureContext({ ca: cert }),
    monotonicMs: () => 0,
    lookup,
  })
  t.after(() => origin.close())
  for (let i = 0; i < 3; i += 1) assert.equal((await ask(origin)).body.toString(), '{"a":1}')
  assert.equal(connections, 1)
  const { code } = await ask(originAt(t, port, { scheme: 'https' }).origin)
  assert.match(code ?? '', /SELF_SIGNED|UNABLE_TO|DEPTH_ZERO/)
})

test('an end of the origin ends what is under way, what waits, and what comes', async (t) => {
  const port = await byteServer(t, () => undefined)
  const { origin } = originAt(t, port, { connections: 1 })
  const underWay = ask(origin)
  const waiting = ask(origin)
  await origin.close()
  for (const one of [underWay, waiting, ask(origin)]) assert.notEqual((await one).code, undefined)
})

test('whatever a policy is given, a request has the lines that were meant', () => {
  const text = fc.string({ unit: 'binary', maxLength: 30 })
  const hostile = fc.oneof(
    text,
    fc.constantFrom('a\r\nb: c', 'a\nb', 'a\r', '\0', 'x', 'a: b', ' '),
  )
  fc.assert(
    fc.property(hostile, hostile, fc.array(hostile, { maxLength: 6 }), (method, path, headers) => {
      const pairs = headers.length % 2 === 0 ? headers : headers.slice(1)
      let wire: { text: string }
      try {
        wire = writeRequest('host', { method, path, headers: pairs, body: null })
      } catch {
        return
      }
      const lines = wire.text.split('\r\n')
      const own = ['POST', 'PUT', 'PATCH'].includes(method) ? 1 : 0
      const named = pairs.some((name, i) => i % 2 === 0 && name.toLowerCase() === 'host') ? 0 : 1
      const lengths = pairs.filter((n, i) => i % 2 === 0 && n.toLowerCase() === 'content-length')
      const fields = pairs.length / 2 - lengths.length
      assert.equal(lines.length, 1 + fields + named + 1 + own + 2)
      assert.doesNotMatch(wire.text.replaceAll('\r\n', ''), /[\r\n\0]/)
      for (const byte of wire.text) assert.ok(byte.charCodeAt(0) < 256)
    }),
    { numRuns: 2_000 },
  )
  for (const name of ['Transfer-Encoding', 'connection', 'TE', 'upgrade', 'a b', '', 'a:'])
    assert.throws(() => writeRequest('h', { ...get, headers: [name, 'x'] }))
  assert.throws(() => writeRequest('h', { ...get, headers: ['content-length', '5'] }))
})
