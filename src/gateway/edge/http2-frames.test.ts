import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '#journal/testing'
import {
  data,
  type Field,
  fieldBlock,
  flag,
  frame,
  frameType,
  headers,
  preface,
  type RawHttp2,
  rawHttp2,
  reset,
  uint32,
} from './testing-http2.ts'
import { body, counted, tlsGateway, token } from './testing-tls.ts'

const usual: readonly Field[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/sim-swap/v2/check'],
  ['authorization', `Bearer ${token}`],
  ['content-type', 'application/json'],
]
const without = (name: string): readonly Field[] => usual.filter(([own]) => own !== name)
const instead = (name: string, value: string): readonly Field[] =>
  usual.map((field) => (field[0] === name ? [name, value] : field))
const asked = (fields: readonly Field[], stream = 1): Buffer[] => [
  headers(stream, fields, false),
  data(stream, body),
]
const good = (stream = 1): Buffer[] => asked(usual, stream)
const times = (count: number, make: (n: number) => Buffer): Buffer[] =>
  Array.from({ length: count }, (_, n) => make(n))

const settings = (id: number, value: number): Buffer =>
  frame(frameType.settings, 0, 0, Buffer.concat([Buffer.of(0, id), uint32(value)]))
const ping = (flags = 0): Buffer => frame(frameType.ping, flags, 0, Buffer.alloc(8))

type Expected = number | `reset ${number}` | `goaway ${number}`
const protocolError = 'reset 1'

/** How a stream or its session ended. */
const endOf = (raw: RawHttp2): Expected | undefined => {
  const code = raw.goaway()
  return raw.outcome(1) ?? (code === undefined ? undefined : `goaway ${code}`)
}

const taken: readonly [string, Buffer[]][] = [
  ['a host instead of an authority', asked([...without(':authority'), ['host', 'localhost']])],
  ['a host that is the authority', asked([...usual, ['host', 'LOCALHOST']])],
  ['TE: trailers', asked([...usual, ['te', 'trailers']])],
  ['a length that is true', asked([...usual, ['content-length', String(body.length)]])],
  ['a cookie in crumbs', asked([...usual, ['cookie', 'a=1'], ['cookie', 'b=2']])],
  [
    'names that an object has',
    asked([...usual, ['__proto__', 'a'], ['constructor', 'b'], ['tostring', 'c']]),
  ],
  [
    'trailers, which are dropped',
    [headers(1, usual, false), data(1, body, false), headers(1, [['x-trailer', 'a']])],
  ],
  ['frames of an unknown type', [frame(0xef, 255, 0, Buffer.alloc(10)), ...good()]],
  ['a priority, which nobody heeds', [frame(2, 0, 1, Buffer.from([0, 0, 0, 3, 9])), ...good()]],
]
const refused: readonly [string, Buffer[], Expected][] = [
  ['no authority and no host', asked(without(':authority')), protocolError],
  ['a host that is not the authority', asked([...usual, ['host', 'other']]), 400],
  ['two authorities', asked([[':authority', 'localhost'], ...usual]), protocolError],
  ['two hosts', asked([...without(':authority'), ['host', 'a'], ['host', 'a']]), protocolError],
  ['a user in the authority', asked(instead(':authority', 'a@localhost')), protocolError],
  ['two paths', asked([[':path', '/'], ...usual]), protocolError],
  ['no path', asked(without(':path')), protocolError],
  ['an empty path', asked(instead(':path', '')), protocolError],
  ['an absolute path', asked(instead(':path', 'https://localhost/a')), protocolError],
  ['a path without a slash', asked(instead(':path', 'sim-swap/v2/check')), protocolError],
  ['a fragment', asked(instead(':path', '/sim-swap/v2/check#a')), 400],
  ['a dot segment', asked(instead(':path', '/sim-swap/v2/x/../check')), 400],
  ['an encoded slash', asked(instead(':path', '/sim-swap%2fv2/check')), 400],
  ['a request line in the path', asked(instead(':path', '/a HTTP/1.1\r\nx: y')), protocolError],
  ['no scheme', asked(without(':scheme')), protocolError],
  ['no method', asked(without(':method')), protocolError],
  ['a method with a space', asked(instead(':method', 'PO ST')), protocolError],
  ['a method in lower case', asked(instead(':method', 'post')), 405],
  ['a pseudo field after others', asked([...without(':path'), [':path', '/a']]), protocolError],
  ['an unknown pseudo field', asked([[':unknown', 'a'], ...usual]), protocolError],
  ['a status', asked([[':status', '200'], ...usual]), protocolError],
  ['another protocol', asked([[':protocol', 'websocket'], ...usual]), protocolError],
  [
    'an extended CONNECT',
    asked([[':protocol', 'websocket'], ...instead(':method', 'CONNECT')]),
    protocolError,
  ],
  ['a name in upper case', asked([...usual, ['X-A', 'b']]), protocolError],
  ...(
    ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'] as const
  ).map((name): [string, Buffer[], Expected] => [
    name,
    asked([...usual, [name, 'a']]),
    protocolError,
  ]),
  ['TE: gzip', asked([...usual, ['te', 'gzip']]), protocolError],
  ['two media types', asked([...usual, ['content-type', 'text/plain']]), 400],
  ['two tokens', asked([...usual, ['authorization', 'Bearer x']]), 401],
  ['a NUL in a token', asked(instead('authorization', `Bearer ${token}\0`)), 401],
  ['a length that is too small', asked([...usual, ['content-length', '3']]), protocolError],
  ['a length that is too large', asked([...usual, ['content-length', '300']]), protocolError],
  ['a length that is no number', asked([...usual, ['content-length', '+30']]), protocolError],
  [
    'two lengths',
    asked([...usual, ['content-length', '30'], ['content-length', '30']]),
    protocolError,
  ],
  ['a length without a body', [headers(1, [...usual, ['content-length', '9']])], protocolError],
  [
    'a pseudo field in trailers',
    [headers(1, usual, false), data(1, body, false), headers(1, [[':path', '/a']])],
    protocolError,
  ],
  [
    'trailers that do not end',
    [headers(1, usual, false), data(1, body, false), headers(1, [['x-a', 'a']], false)],
    protocolError,
  ],
  ['300 fields', asked([...usual, ...times300()]), 'reset 11'],
  [
    'a small block that grows to 400 KB',
    [frame(frameType.headers, 5, 1, Buffer.concat([fieldBlock(usual), bomb()]))],
    431,
  ],
  ['a block that is none', [frame(frameType.headers, 5, 1, Buffer.alloc(8, 0xff))], 'goaway 9'],
  ['DATA on an idle stream', [data(1, body)], 'goaway 1'],
  ['DATA on the session', [data(0, body)], 'goaway 1'],
  ['a stream of the server', asked(usual, 2), 'goaway 1'],
  ['a push', [frame(5, 4, 1, Buffer.concat([uint32(2), fieldBlock(usual)]))], 'goaway 1'],
  ['a window that grows by nothing', [frame(frameType.windowUpdate, 0, 0, uint32(0))], 'goaway 1'],
  [
    'a window beyond all bounds',
    [headers(1, usual, false), frame(frameType.windowUpdate, 0, 1, uint32(0x7f_ff_ff_ff))],
    'goaway 3',
  ],
  ['a frame that is too large', [frame(frameType.data, 0, 0, Buffer.alloc(17_000))], 'goaway 6'],
  [
    'padding beyond its frame',
    [headers(1, usual, false), frame(frameType.data, flag.padded | 1, 1, Buffer.of(200, 1, 2))],
    'goaway 1',
  ],
  ['settings that are cut off', [frame(frameType.settings, 0, 0, Buffer.of(1, 2, 3))], 'goaway 6'],
  ['a setting that cannot be', [settings(2, 7)], 'goaway 1'],
  ['a short ping', [frame(frameType.ping, 0, 0, Buffer.alloc(4))], 'goaway 6'],
  [
    'settings acknowledged twice',
    times(3, () => frame(4, flag.ack, 0, Buffer.alloc(0))),
    'goaway 1',
  ],
  [
    'fields without an end',
    [
      frame(frameType.headers, 0, 1, fieldBlock(usual)),
      ...times(20, () => frame(frameType.continuation, 0, 1, Buffer.alloc(0))),
    ],
    'goaway 2',
  ],
  [
    'a flood of empty DATA',
    [headers(1, usual, false), ...times(200, () => data(1, '', false))],
    'goaway 2',
  ],
]

function times300(): Field[] {
  return Array.from({ length: 300 }, (_, i) => [`x-${i}`, 'a'] as const)
}

/** One long field that is remembered, and a hundred references to it (RFC 7541 section 6.1). */
function bomb(): Buffer {
  const field = fieldBlock([['x-bomb', 'a'.repeat(3_900)]])
  return Buffer.concat([
    Buffer.of(0x40),
    field.subarray(1),
    ...Array.from({ length: 100 }, () => Buffer.of(0x80 | 62)),
  ])
}

test('takes by hand what is allowed, however unusual', async (t) => {
  const gateway = await tlsGateway(t)
  for (const [what, frames] of taken) {
    const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
    raw.send(...frames)
    await eventually(() => endOf(raw) !== undefined)
    assert.equal(endOf(raw), 200, what)
    raw.socket.destroy()
  }
  const bodies = new Set(gateway.upstream.requests.map((request) => request.body))
  assert.deepEqual([...bodies], [body])
  assert.equal(gateway.upstream.requests.length, taken.length)
})

test('refuses what RFC 9113 forbids and what could be read in two ways; none of it reaches an upstream', async (t) => {
  const gateway = await tlsGateway(t)
  for (const [what, frames, expected] of refused) {
    const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
    raw.send(...frames)
    await eventually(() => endOf(raw) !== undefined)
    assert.equal(endOf(raw), expected, what)
    raw.socket.destroy()
  }
  assert.deepEqual(gateway.upstream.requests, [])
  const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
  raw.send(...good())
  await eventually(() => raw.outcome(1) === 200)
  const ended = 'wayleave_gateway_http2_sessions_ended_total'
  assert.ok((await counted(gateway, `${ended}{reason="protocol"}`)) > 5)
  assert.equal(await counted(gateway, `${ended}{reason="invalid-frames"}`), 1)
})

test('a session that ends in the middle of a piece takes no stream of its rest, and the process lives', async (t) => {
  const gateway = await tlsGateway(t)
  const goaway = (code: number): Buffer =>
    frame(frameType.goaway, 0, 0, Buffer.concat([uint32(0), uint32(code)]))
  const ends = [
    ping(flag.ack),
    goaway(0),
    goaway(2),
    Buffer.concat(times(3, () => frame(frameType.settings, flag.ack, 0, Buffer.alloc(0)))),
    Buffer.concat(times(200, () => ping())),
  ]
  for (const end of ends) {
    const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
    raw.send(end, ...good(1), ...good(3))
    await eventually(() => raw.closed)
  }
  const first = await rawHttp2(t, {
    port: gateway.port,
    ca: gateway.cert,
    start: Buffer.concat([preface, settings(1, 0), ping(flag.ack), ...good()]),
  })
  await eventually(() => first.closed)
  const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
  raw.send(...good())
  await eventually(() => raw.outcome(1) === 200)
})

test('a body that its client breaks off is not taken for a whole one, whatever it says', async (t) => {
  const gateway = await tlsGateway(t)
  for (const code of [0, 8]) {
    const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
    raw.send(headers(1, usual, false), data(1, body, false), reset(1, code), ...good(3))
    await eventually(() => raw.outcome(3) === 200)
  }
  assert.equal(gateway.upstream.requests.length, 2)
})

const floods: readonly [string, string, () => Buffer][] = [
  ['pings', 'pings', () => ping()],
  ['settings', 'settings', () => settings(4, 70_000)],
  ['windows', 'overhead', () => frame(frameType.windowUpdate, 0, 0, uint32(1))],
  ['priorities', 'protocol', () => frame(2, 0, 1, Buffer.from([0, 0, 0, 3, 9]))],
]
for (const [what, reason, make] of floods)
  test(`a flood of ${what} ends its session, and is counted`, async (t) => {
    const gateway = await tlsGateway(t)
    const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
    raw.send(...good(1))
    const piece = Buffer.concat(times(1_000, make))
    const timer = setInterval(() => raw.send(piece), 20)
    t.after(() => clearInterval(timer))
    await eventually(() => raw.closed)
    const line = `wayleave_gateway_http2_sessions_ended_total{reason="${reason}"}`
    assert.equal(await counted(gateway, line), 1)
  })

test('streams that are opened and reset at once end their session long before they cost anything', async (t) => {
  const gateway = await tlsGateway(t)
  const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
  let stream = 1
  const timer = setInterval(() => {
    for (let i = 0; i < 100; i += 1) {
      raw.send(headers(stream, usual, false), reset(stream, 8))
      stream += 2
    }
  }, 5)
  t.after(() => clearInterval(timer))
  await eventually(() => raw.closed)
  assert.equal(gateway.upstream.requests.length, 0)
  assert.ok(stream < 20_000, String(stream))
  const line = 'wayleave_gateway_http2_sessions_ended_total{reason="resets"}'
  assert.equal(await counted(gateway, line), 1)
})

test('a client that opens no window loses its stream in time, and its session goes on', async (t) => {
  const gateway = await tlsGateway(t, { limits: { responseTimeoutMs: 1_000 } })
  const raw = await rawHttp2(t, { port: gateway.port, ca: gateway.cert })
  raw.send(settings(4, 0), ...good(1))
  await eventually(() =>
    raw.frames.some(({ type, stream }) => type === frameType.reset && stream === 1),
  )
  assert.equal(raw.outcome(1), 200)
  raw.send(settings(4, 65_535), ...good(3))
  await eventually(() => raw.outcome(3) === 200)
})
