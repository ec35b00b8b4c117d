import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import fc from 'fast-check'
import { data, type Field, fieldBlock, frame, headers, preface, uint32 } from './testing-http2.ts'
import { body, tlsGateway, token } from './testing-tls.ts'

/*
 * Random changes of sound requests, byte by byte and frame by frame. Whatever comes of them: the gateway lives and serves,
 * nothing is answered with its own failure, and an upstream gets the one request that was sound, or nothing.
 */

type Made = Awaited<ReturnType<typeof tlsGateway>>
const path = '/sim-swap/v2/check'

const http1 = Buffer.from(
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
)
const last = Buffer.from(String(http1).replace('host', 'connection: close\r\nhost'))
const chunked = Buffer.from(
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n1e\r\n${body}\r\n0\r\n\r\n`,
)
const fields: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
  ['authorization', `Bearer ${token}`],
  ['content-type', 'application/json'],
]
const http2Frames: readonly Buffer[] = [
  frame(4, 0, 0, Buffer.concat([Buffer.of(0, 1), uint32(0)])),
  headers(1, fields, false),
  data(1, body),
  frame(6, 0, 0, Buffer.alloc(8)),
  headers(3, fields, false),
  data(3, body.slice(0, 9), false),
  frame(8, 0, 3, uint32(100)),
  data(3, body.slice(9)),
  frame(2, 0, 5, Buffer.of(0, 0, 0, 3, 7)),
  frame(1, 0, 5, fieldBlock(fields.slice(0, 4))),
  frame(9, 4, 5, fieldBlock(fields.slice(4))),
  data(5, body),
  frame(3, 0, 5, uint32(8)),
  frame(7, 0, 0, Buffer.concat([uint32(0), uint32(0)])),
]

/** Frames that end a session, each in its way. */
const endings: readonly Buffer[] = [
  frame(6, 1, 0, Buffer.alloc(8)),
  frame(7, 0, 0, Buffer.concat([uint32(0), uint32(2)])),
  Buffer.concat([frame(4, 1, 0, Buffer.alloc(0)), frame(4, 1, 0, Buffer.alloc(0))]),
  frame(8, 0, 0, uint32(0)),
]

/** Bytes that mean something to one parser or another. */
const meaningful = fc.constantFrom(
  ...['\r\n', '\n', '\r', '\0', ' ', '\t', ':', ';', ',', '%2f', '%00', '..', '//', '?', '#', '\\'],
  ...['Transfer-Encoding: chunked\r\n', 'Content-Length: 5\r\n', 'Host: other\r\n', '0\r\n\r\n'],
  ...[
    'Connection: upgrade\r\n',
    'Expect: 100-continue\r\n',
    'HTTP/1.0',
    'ffffffff',
    '\x7f',
    '\xff',
  ],
)
const change = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  removed: fc.integer({ min: 0, max: 6 }),
  put: fc.oneof(
    meaningful.map((text) => Buffer.from(text, 'latin1')),
    fc.uint8Array({ maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
  ),
})
const changed = (bytes: Buffer, changes: readonly { at: number; removed: number; put: Buffer }[]) =>
  changes.reduce((whole, { at, removed, put }) => {
    const from = Math.floor(at * whole.length)
    return Buffer.concat([whole.subarray(0, from), put, whole.subarray(from + removed)])
  }, bytes)

/** Sends bytes, ends, and reads what comes until the other side is done or says nothing more. */
function send(made: Made, bytes: Buffer, http2: boolean, stillMs = 150): Promise<string> {
  return new Promise((resolve) => {
    const socket = http2
      ? connectTls({
          port: made.port,
          host: '127.0.0.1',
          ca: made.cert,
          servername: 'localhost',
          ALPNProtocols: ['h2'],
        })
      : connect(made.gateway.port(), '127.0.0.1')
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(text))
    socket.setTimeout(stillMs, () => socket.destroy())
    socket.write(bytes)
  })
}

const sound = ({ upstream }: Made): void => {
  for (const { method, url, headers: sent, body: content } of upstream.requests) {
    assert.equal(`${method} ${url}`, `POST ${path}`)
    assert.doesNotThrow(() => JSON.parse(content), content)
    assert.equal(sent['content-type'], 'application/json')
    assert.equal(sent['transfer-encoding'], undefined)
    assert.equal(sent.authorization, undefined)
  }
  upstream.requests.length = 0
}

/** Many at once: most of the time is spent on waiting for nothing more to come. */
async function throwAt(made: Made, all: readonly Buffer[], http2: boolean): Promise<void> {
  const answers = await Promise.all(all.map((bytes) => send(made, bytes, http2)))
  for (const [i, text] of answers.entries())
    assert.ok(!/HTTP\/1\.1 5\d\d/.test(text), `${all[i]?.toString('latin1')}\n${text}`)
  sound(made)
  assert.ok(made.journal.records.every(({ status }) => status < 500))
  made.journal.records.length = 0
  assert.match(await send(made, last, false, 5_000), /^HTTP\/1\.1 200/)
  made.upstream.requests.length = 0
}

const seed = 20_260_301
const batch = 40

test('changed bytes of HTTP/1.1 never crash a gateway, fail it, or reach an upstream in another shape', async (t) => {
  const made = await tlsGateway(t)
  const one = fc
    .tuple(fc.constantFrom(http1, chunked), fc.array(change, { minLength: 1, maxLength: 4 }))
    .map(([bytes, changes]) => changed(bytes, changes))
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: batch, maxLength: batch }), (all) =>
      throwAt(made, all, false),
    ),
    { numRuns: 7, seed, endOnFailure: true },
  )
})

test('changed frames of HTTP/2 never crash a gateway, fail it, or reach an upstream in another shape', async (t) => {
  const made = await tlsGateway(t)
  const order = fc.shuffledSubarray([...http2Frames.keys()], { minLength: 2 })
  const one = fc
    .tuple(
      fc.oneof(fc.constant([...http2Frames.keys()]), order),
      fc.array(change, { maxLength: 4 }),
      fc.boolean(),
      fc.option(fc.tuple(fc.nat(3), fc.constantFrom(...endings)), { freq: 3 }),
    )
    .map(([indexes, changes, whole, end]) => {
      const frames = indexes.map((index) => http2Frames[index] ?? Buffer.alloc(0))
      if (end !== null) frames.splice(end[0], 0, end[1])
      // Changes within frames leave their lengths alone more often than not: they get past the first check.
      const bytes = whole
        ? changed(Buffer.concat(frames), changes)
        : Buffer.concat(frames.map((part, i) => inPlace(part, changes[i])))
      return Buffer.concat([preface, bytes])
    })
  await fc.assert(
    fc.asyncProperty(fc.array(one, { minLength: batch, maxLength: batch }), (all) =>
      throwAt(made, all, true),
    ),
    { numRuns: 7, seed, endOnFailure: true },
  )
})

function inPlace(bytes: Buffer, one: { at: number; put: Buffer } | undefined): Buffer {
  if (one === undefined) return bytes
  const copy = Buffer.from(bytes)
  one.put.copy(copy, Math.floor(one.at * Math.max(0, copy.length - one.put.length)))
  return copy
}

const segment = fc.constantFrom(
  ...['payments', 'payments', 'p1', 'p-1', '.', '..', '...', '%2e', '%2E%2e', '%2f', '%5c', '\\'],
  ...[
    '%00',
    '%20',
    '%c3%a9',
    '%C3%A9',
    '%c0%ae',
    '%25',
    '%252e',
    ';a=b',
    '..;',
    'a%',
    'ä',
    '',
    '%zz',
  ],
  ...['%70ayments', 'prepare', 'a b', 'a?b', 'a#b', '@', ':', '+', "'", '*', '~', '%7e', '%41'],
)

test('whatever bytes a path has, it is refused, or an upstream gets exactly the path that was authorised', async (t) => {
  const made = await tlsGateway(t)
  const { upstream } = made
  let taken = 0
  const tried = async (target: string): Promise<void> => {
    const text = await send(
      made,
      Buffer.from(
        `GET ${target} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\nx-correlator: c\r\nconnection: close\r\n\r\n`,
        'latin1',
      ),
      false,
      5_000,
    )
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])
    assert.ok(status < 500, `${target} ${text}`)
  }
  upstream.answer = (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end('{"reference":"r"}')
  }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(segment, { minLength: 1, maxLength: 3 }), { minLength: 40, maxLength: 40 }),
      async (paths) => {
        upstream.requests.length = 0
        const targets = paths.map((parts) => `/payments/v0.5/payments/${parts.join('/')}`)
        await Promise.all(targets.map(tried))
        const asked = new Set(targets.map((target) => target.split('?')[0]))
        for (const { url } of upstream.requests) {
          assert.ok(asked.has(url), url)
          // One reading: a URL parser leaves it alone, and it is one resource below the operation's own path.
          assert.equal(new URL(url, 'http://host').pathname, url)
          assert.match(url, /^\/payments\/v0\.5\/payments\/[^/]+$/)
          assert.doesNotMatch(decodeURIComponent(url), /[\\\0]|\/\.{1,2}(?:\/|$)/)
        }
        taken += upstream.requests.length
      },
    ),
    { numRuns: 7, seed, endOnFailure: true },
  )
  assert.ok(taken > 20, String(taken))
})
