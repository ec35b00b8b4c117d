import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { serverCertificate } from '#platform/local-certificate'
import { customer, testGateway, testKey, testUpstream } from '../testing.ts'
import { simSwap } from '../testing-entries.ts'

const key = testKey()
const token = key.token(1)
const body = '{"phoneNumber":"+99012345678"}'
type Context = Parameters<typeof testUpstream>[0]

async function setup(t: Context, more = {}) {
  const upstream = await testUpstream(t)
  const gateway = await testGateway(t, [simSwap(upstream.url), key.entry, ...customer(1)], more)
  return { upstream, ...gateway }
}

/** Sends bytes and reads until the other side closes, or `ends` says that it has enough. */
function exchange(
  port: number,
  bytes: string | Buffer,
  ends: (text: string) => boolean = () => false,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let text = ''
    socket.on('data', (data) => {
      text += data.toString('latin1')
      if (ends(text)) socket.destroy()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', (error) => (text === '' ? reject(error) : resolve(text)))
  })
}

const fields = `authorization: Bearer ${token}\r\ncontent-type: application/json\r\nconnection: close\r\n`
const sized = `content-length: ${body.length}\r\n\r\n${body}`
const good = `POST /sim-swap/v2/check HTTP/1.1\r\nhost: gw\r\n${fields}${sized}`
const chunked = (chunks: string, trailers = ''): string =>
  `POST /sim-swap/v2/check HTTP/1.1\r\nhost: gw\r\n${fields}transfer-encoding: chunked\r\n\r\n${chunks}0\r\n${trailers}\r\n`
const coded = (coding: string): string =>
  chunked(`1e\r\n${body}\r\n`).replace('transfer-encoding: chunked', coding)
const statusOf = (text: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1])

const accepted: readonly [string, string][] = [
  ['a plain request', good],
  ['an absolute target of the same host', good.replace('POST /', 'POST http://gw/')],
  [
    'a chunked body',
    `POST /sim-swap/v2/check HTTP/1.1\r\nhost: gw\r\n${fields}transfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  ],
  ['HTTP/1.0 with a host', good.replace('HTTP/1.1', 'HTTP/1.0')],
  [
    'an offer of HTTP/2, which is ignored',
    good.replace('host: gw', 'host: gw\r\nupgrade: h2c\r\nhttp2-settings: x'),
  ],
  ['a host with a port', good.replace('host: gw', 'host: gw.example:8082')],
  ['a host that is an IPv6 address', good.replace('host: gw', 'host: [::1]:8082')],
  ['an empty line before it', `\r\n${good}`],
  ['an empty query', good.replace('/check', '/check?')],
  ['a body in chunks of one byte', chunked([...body].map((c) => `1\r\n${c}\r\n`).join(''))],
  ['chunk extensions, which mean nothing', chunked(`1e;a=b;c="d"\r\n${body}\r\n`)],
  ['trailers, which are dropped', chunked(`1e\r\n${body}\r\n`, 'x-trailer: a\r\n')],
  [
    'names that an object has',
    good.replace('host: gw', 'host: gw\r\n__proto__: a\r\nconstructor: b\r\ntoString: c'),
  ],
  [
    'fields with underscores, which are dropped',
    good.replace('host: gw', 'host: gw\r\ntransfer_encoding: chunked\r\nx_forwarded_for: a'),
  ],
  [
    'fields of its connection by name',
    good.replace('connection: close', 'connection: close, te\r\nte: trailers'),
  ],
]
for (const [what, bytes] of accepted)
  test(`takes ${what}`, async (t) => {
    const { upstream, gateway } = await setup(t)
    const text = await exchange(gateway.port(), bytes)
    assert.equal(statusOf(text), 200, text)
    assert.equal(upstream.requests[0]?.body, body)
    assert.equal(upstream.requests[0]?.url, '/sim-swap/v2/check')
  })

const refused: readonly [string, string, number][] = [
  ['two hosts', good.replace('host: gw', 'host: gw\r\nhost: other'), 400],
  ['two equal hosts', good.replace('host: gw', 'host: gw\r\nHost: gw'), 400],
  ['no host', good.replace('host: gw\r\n', ''), 400],
  ['an empty host', good.replace('host: gw', 'host:'), 400],
  ['a host with a path', good.replace('host: gw', 'host: gw/x'), 400],
  ['a host with a user', good.replace('host: gw', 'host: a@gw'), 400],
  ['a host with an empty label', good.replace('host: gw', 'host: g..w'), 400],
  ['a host with no such port', good.replace('host: gw', 'host: gw:65536'), 400],
  ['a host with an empty port', good.replace('host: gw', 'host: gw:'), 400],
  ['a host with an escape', good.replace('host: gw', 'host: g%77'), 400],
  ['half an IPv6 address', good.replace('host: gw', 'host: [::1'), 400],
  ['a list of hosts', good.replace('host: gw', 'host: gw, other'), 400],
  ['an absolute target of another host', good.replace('POST /', 'POST http://other/'), 400],
  ['an absolute target of another scheme', good.replace('POST /', 'POST https://gw/'), 400],
  ['an absolute target with a user', good.replace('POST /', 'POST http://a@gw/'), 400],
  ['an absolute target with another port', good.replace('POST /', 'POST http://gw:81/'), 400],
  ['a target that is a name', good.replace('POST /', 'POST other'), 400],
  ['HTTP/0.9', 'GET /sim-swap/v2/check\r\n\r\n', 400],
  ['HTTP/1.2', good.replace('HTTP/1.1', 'HTTP/1.2'), 400],
  ['a version in lower case', good.replace('HTTP/1.1', 'http/1.1'), 400],
  ['a method in lower case', good.replace('POST', 'post'), 400],
  ['an unknown method', good.replace('POST', 'BREW'), 400],
  ['a tab in the request line', good.replace('POST /', 'POST\t/'), 400],
  ['two slashes', good.replace('POST /', 'POST //'), 400],
  ['a network path', good.replace('POST /', 'POST //gw/'), 400],
  ['a fragment', good.replace('/check', '/check#a'), 400],
  ['a dot segment', good.replace('/check', '/x/../check'), 400],
  ['an encoded dot', good.replace('/check', '/%2e/check'), 400],
  ['a dot that is encoded twice', good.replace('/check', '/%252e/check'), 400],
  ['an encoded slash', good.replace('/check', '%2fcheck'), 400],
  ['an encoded backslash', good.replace('/check', '%5Ccheck'), 400],
  ['an encoded letter', good.replace('/check', '/%63heck'), 400],
  ['an encoded NUL', good.replace('/check', '/check%00'), 400],
  ['an overlong dot', good.replace('/check', '/%c0%ae/check'), 400],
  ['a letter in another encoding', good.replace('/check', '/%u0063heck'), 400],
  ['bytes beyond ASCII in the path', good.replace('/check', '/ch\xc3\xa9ck'), 400],
  ['a path parameter', good.replace('/check', '/check;a=b'), 404],
  ['a path parameter of two dots', good.replace('/check', '/..;/v2/check'), 404],
  ['a slash at the end', good.replace('/check', '/check/'), 404],
  ['HTTP/2 in plain text', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  [
    'HTTP/1.0 with a transfer coding',
    good
      .replace('HTTP/1.1', 'HTTP/1.0')
      .replace(/content-length.*/s, 'transfer-encoding: chunked\r\n\r\n0\r\n\r\n'),
    400,
  ],
  [
    'a length and a transfer coding',
    good.replace('content-length', 'transfer-encoding: chunked\r\ncontent-length'),
    400,
  ],
  ['CL.TE', coded('content-length: 4\r\ntransfer-encoding: chunked'), 400],
  ['TE.CL', coded('transfer-encoding: chunked\r\ncontent-length: 4'), 400],
  ['TE.TE', coded('transfer-encoding: chunked\r\ntransfer-encoding: identity'), 400],
  ['chunked twice', coded('transfer-encoding: chunked\r\ntransfer-encoding: chunked'), 400],
  ['chunked and then another', coded('transfer-encoding: chunked, identity'), 400],
  ['chunked in quotes', coded('transfer-encoding: "chunked"'), 400],
  ['chunked with a parameter', coded('transfer-encoding: chunked;a=b'), 400],
  ['chunked behind a vertical tab', coded('transfer-encoding:\x0bchunked'), 400],
  ['an empty coding', coded('transfer-encoding:'), 400],
  ['a space before the colon of a coding', coded('transfer-encoding : chunked'), 400],
  [
    'two equal lengths',
    good.replace('content-length', 'content-length: 30\r\ncontent-length'),
    400,
  ],
  ['a list of lengths', good.replace(/content-length: (\d+)/, 'content-length: $1, $1'), 400],
  ['a negative length', good.replace(/content-length: \d+/, 'content-length: -5'), 400],
  ['a length in hexadecimal', good.replace(/content-length: \d+/, 'content-length: 0x1e'), 400],
  [
    'a length beyond 64 bits',
    good.replace(/content-length: \d+/, `content-length: ${'9'.repeat(30)}`),
    400,
  ],
  ['an empty length', good.replace(/content-length: \d+/, 'content-length:'), 400],
  [
    'a long body by its length',
    good.replace(/content-length: \d+/, 'content-length: 9007199254740993'),
    413,
  ],
  ['two lengths', good.replace('content-length', 'content-length: 3\r\ncontent-length'), 400],
  ['a length that is no number', good.replace(/content-length: \d+/, 'content-length: +5'), 400],
  [
    'another transfer coding',
    good.replace(/content-length.*/s, 'transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'),
    400,
  ],
  [
    'a disguised transfer coding',
    good.replace(/content-length.*/s, 'transfer-encoding: xchunked\r\n\r\n0\r\n\r\n'),
    400,
  ],
  ['a folded field', good.replace('host: gw', 'host: gw\r\nx-a: b\r\n c'), 400],
  ['a space before the colon', good.replace('host: gw', 'host : gw'), 400],
  ['a bare line feed', good.replaceAll('\r\n', '\n'), 400],
  ['a NUL in a field', good.replace('host: gw', 'host: gw\r\nx-a: b\0c'), 400],
  [
    'two media types',
    good.replace('content-type', 'content-type: text/plain\r\ncontent-type'),
    400,
  ],
  ['two tokens', good.replace('authorization', 'authorization: Bearer x\r\nauthorization'), 401],
  [
    'another protocol to upgrade to',
    good.replace('host: gw', 'host: gw\r\nconnection: upgrade\r\nupgrade: websocket'),
    400,
  ],
  ['another expectation', good.replace('host: gw', 'host: gw\r\nexpect: 200-ok'), 400],
  ['a proxy request', 'CONNECT other:443 HTTP/1.1\r\nhost: other:443\r\n\r\n', 405],
  ['TRACE', 'TRACE /sim-swap/v2/check HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n\r\n', 405],
  ['an asterisk', 'OPTIONS * HTTP/1.1\r\nhost: gw\r\nconnection: close\r\n\r\n', 400],
  [
    '101 fields',
    good.replace(
      'host: gw',
      `host: gw\r\n${Array.from({ length: 101 }, (_, i) => `x-${i}: 1`).join('\r\n')}`,
    ),
    431,
  ],
  [
    'fields of more than 16 KiB',
    good.replace('host: gw', `host: gw\r\nx-a: ${'a'.repeat(17_000)}`),
    431,
  ],
  [
    'a chunk that is none',
    good.replace(/content-length.*/s, 'transfer-encoding: chunked\r\n\r\nzz\r\n'),
    400,
  ],
  ['a chunk size with a prefix', chunked(`0x1e\r\n${body}\r\n`), 400],
  ['a chunk size with a space', chunked(`1e \r\n${body}\r\n`), 400],
  ['a negative chunk', chunked(`-1e\r\n${body}\r\n`), 400],
  ['a chunk size beyond 64 bits', chunked(`${'f'.repeat(17)}\r\n${body}\r\n`), 400],
  ['a chunk size that ends in a bare line feed', chunked(`1e\n${body}\r\n`), 400],
  ['a chunk that ends in a bare line feed', chunked(`1e\r\n${body}\n`), 400],
  ['a chunk that is longer than its size', chunked(`5\r\n${body}\r\n`), 400],
  ['a line feed in a chunk extension', chunked(`1e;a\nb\r\n${body}\r\n`), 400],
  ['20 KB of chunk extensions', chunked(`1e;${'a'.repeat(20_000)}\r\n${body}\r\n`), 400],
  ['a hundred thousand chunks of one byte', chunked('1\r\na\r\n'.repeat(100_000)), 400],
  ['a length in the trailers', chunked(`1e\r\n${body}\r\n`, 'content-length: 3\r\n'), 400],
  ['20 KB of trailers', chunked(`1e\r\n${body}\r\n`, `x-a: ${'a'.repeat(20_000)}\r\n`), 431],
  ['a field without a name', good.replace('host: gw', 'host: gw\r\n: a'), 400],
  ['a field without a colon', good.replace('host: gw', 'host: gw\r\nx-a'), 400],
  ['a name with a NUL', good.replace('host: gw', 'host: gw\r\nx\0a: b'), 400],
  ['a bare carriage return in a field', good.replace('host: gw', 'host: gw\r\nx-a: b\rc: d'), 400],
  ['a space before the first field', good.replace('\r\nhost', '\r\n host'), 400],
  [
    'an expectation and another',
    good.replace('host: gw', 'host: gw\r\nexpect: 100-continue, x'),
    400,
  ],
  [
    'WebSocket',
    'GET /sim-swap/v2/check HTTP/1.1\r\nhost: gw\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n',
    400,
  ],
  [
    'a coding and an upgrade at once',
    coded('transfer-encoding: chunked\r\nupgrade: websocket').replace(
      'connection: close',
      'connection: upgrade',
    ),
    400,
  ],
  [
    'a token that is for this hop only',
    good.replace('connection: close', 'connection: close, authorization'),
    400,
  ],
  ['a TLS greeting', '\x16\x03\x01\x02\x00\x01', 400],
]
for (const [what, bytes, status] of refused)
  test(`refuses ${what} with ${status}, and nothing reaches the upstream`, async (t) => {
    const { upstream, gateway } = await setup(t)
    const text = await exchange(gateway.port(), Buffer.from(bytes, 'latin1'))
    assert.equal(statusOf(text), status, text)
    assert.match(text, /\r\nx-correlator: /i)
    const answer = JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as Record<string, unknown>
    assert.equal(answer.status, status)
    assert.equal(typeof answer.code, 'string')
    assert.equal(upstream.requests.length, 0)
    // It still serves.
    assert.equal(statusOf(await exchange(gateway.port(), good)), 200)
  })

test('what a caller says of who is before it, or of who it is, never reaches an upstream', async (t) => {
  const { upstream, gateway } = await setup(t)
  const spoofed = [
    'forwarded: for=1.2.3.4;host=evil',
    'x-forwarded-for: 1.2.3.4',
    'x-forwarded-host: evil',
    'x-forwarded-proto: https',
    'x-forwarded-prefix: /admin',
    'x-real-ip: 1.2.3.4',
    'x-original-url: /admin',
    'via: 1.1 evil',
    'client-cert: :AAAA:',
    'x-wayleave-application: app_2',
    'x-wayleave-partner: prt_2',
    'x_wayleave_partner: prt_2',
    'x_forwarded_for: 1.2.3.4',
    'cookie: a=b',
    'te: trailers',
    'proxy-authorization: Basic a',
    'accept-encoding: gzip',
    'range: bytes=0-1',
    'if-none-match: "a"',
    'x-anything: a',
  ].join('\r\n')
  const text = await exchange(gateway.port(), good.replace('host: gw', `host: gw\r\n${spoofed}`))
  assert.equal(statusOf(text), 200, text)
  const { headers } = upstream.requests[0] ?? assert.fail()
  assert.deepEqual(
    Object.keys(headers).filter((name) => name !== 'connection'),
    Object.keys(headers).filter((name) =>
      /^(?:host|accept|content-type|content-length|x-correlator|x-wayleave-(?:environment|operation|application|partner|deadline-ms))$/.test(
        name,
      ),
    ),
  )
  assert.equal(headers['x-wayleave-application'], 'app_1')
  assert.equal(headers['x-wayleave-partner'], 'prt_1')
  assert.equal(headers.accept, 'application/json')
})

test('what follows a refused framing on the connection is not taken for a request', async (t) => {
  const { upstream, gateway } = await setup(t)
  const smuggled = good
    .replace('host: gw', 'host: gw\r\nhost: gw2')
    .replace('connection: close\r\n', '')
  const text = await exchange(gateway.port(), smuggled + good)
  assert.equal(text.split('HTTP/1.1 ').length - 1, 1)
  assert.equal(upstream.requests.length, 0)
})

test('requests that are sent in a row on one connection are answered in their order', async (t) => {
  const { upstream, gateway } = await setup(t)
  upstream.answer = (request, response) => {
    const delay = request.headers['x-correlator'] === 'first' ? 50 : 0
    setTimeout(() => {
      response.setHeader('content-type', 'application/json')
      response.end('{"swapped":false}')
    }, delay)
  }
  const named = (name: string): string =>
    good.replace('host: gw', `host: gw\r\nx-correlator: ${name}`)
  const bytes = named('first').replace('connection: close\r\n', '') + named('second')
  const text = await exchange(gateway.port(), bytes)
  assert.deepEqual(
    [...text.matchAll(/x-correlator: (\w+)/g)].map((match) => match[1]),
    ['first', 'second'],
  )
})

test('garbage behind a request that is being served does not become its answer', async (t) => {
  const { upstream, gateway } = await setup(t)
  const held: (() => void)[] = []
  upstream.answer = (_request, response) => void held.push(() => response.writeHead(503).end())
  const answer = exchange(
    gateway.port(),
    `${good.replace('connection: close\r\n', '')}\0garbage\r\n\r\n`,
  )
  await answer.then(
    (text) => assert.equal(text.includes('200'), false),
    () => undefined,
  )
  for (const release of held) release()
})

test('slow and idle clients are cut off: fields, body, and many of them at once', async (t) => {
  const { upstream, gateway } = await setup(t, {
    limits: { headersTimeoutMs: 300, requestTimeoutMs: 600 },
  })
  const slowFields = exchange(gateway.port(), 'POST / HTTP/1.1\r\nhost: gw\r\n')
  const slowBody = exchange(gateway.port(), good.slice(0, -5))
  const many = Array.from({ length: 200 }, () =>
    exchange(gateway.port(), 'POST / HTTP/1.1\r\nx: ').catch(() => ''),
  )
  assert.equal(statusOf(await slowFields), 408)
  assert.equal(statusOf(await slowBody), 408)
  await Promise.all(many)
  assert.equal(upstream.requests.length, 0)
})

test('a body is asked for only when its sender is known', async (t) => {
  const { upstream, gateway } = await setup(t)
  const head = (authorization: string): string =>
    `POST /sim-swap/v2/check HTTP/1.1\r\nhost: gw\r\nexpect: 100-continue\r\n${fields.replace(/authorization.*?\r\n/, authorization)}content-length: ${body.length}\r\n\r\n`
  const stranger = await exchange(gateway.port(), head(''), (text) => text.includes('\r\n\r\n{'))
  assert.equal(statusOf(stranger), 401)
  const known = await new Promise<string>((resolve) => {
    const socket = connect(gateway.port(), '127.0.0.1', () =>
      socket.write(head(`authorization: Bearer ${token}\r\n`)),
    )
    let text = ''
    socket.on('data', (data) => {
      if (text === '') socket.write(body)
      text += data.toString()
    })
    socket.on('close', () => resolve(text))
  })
  assert.match(known, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/)
  assert.equal(upstream.requests.length, 1)
})

test('the TLS address speaks TLS 1.3 only, says so to browsers, and holds the host to the name', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'wayleave-tls-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const own = await serverCertificate({ folder, keyFile: undefined, certificateFile: undefined })
  const tls = { host: '127.0.0.1', port: 0, ...own }
  const { gateway } = await setup(t, { tls })
  const port = gateway.tlsPort() ?? assert.fail()
  const over = (bytes: string, more: object): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connectTls(
        { port, host: '127.0.0.1', ca: tls.cert, servername: 'localhost', ...more },
        () => socket.write(bytes),
      )
      let text = ''
      socket.on('data', (data) => {
        text += data.toString()
      })
      socket.on('close', () => resolve(text))
      socket.on('error', reject)
    })
  const named = good.replace('host: gw', 'host: localhost')
  const fine = await over(named, {})
  assert.equal(statusOf(fine), 200)
  assert.match(fine, /strict-transport-security: max-age=31536000/)
  assert.equal(statusOf(await over(good.replace('host: gw', 'host: other'), {})), 400)
  await assert.rejects(over(named, { maxVersion: 'TLSv1.2' }))
})
