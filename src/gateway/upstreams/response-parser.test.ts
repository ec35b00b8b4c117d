import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { HeadMemory, ResponseParser } from './response-parser.ts'

type Read = {
  status: number | undefined
  headers: Record<string, unknown> | undefined
  body: string
  ended: boolean
  reusable: boolean
  fault: string | undefined
}

/** Reads pieces one after the other, and then the end of the connection. */
function read(pieces: readonly Buffer[], method = 'GET', heads = new HeadMemory()): Read {
  const result: Read = {
    status: undefined,
    headers: undefined,
    body: '',
    ended: false,
    reusable: false,
    fault: undefined,
  }
  const parser = new ResponseParser(
    {
      head({ status, headers }) {
        assert.equal(result.status, undefined, 'one head only')
        result.status = status
        result.headers = { ...headers }
      },
      body(bytes, start, end) {
        assert.notEqual(result.status, undefined, 'no body before the head')
        assert.ok(start < end)
        result.body += bytes.toString('latin1', start, end)
      },
    },
    heads,
  )
  parser.expect(method)
  for (const piece of pieces) {
    result.fault = parser.feed(Buffer.from(piece), piece.length)
    if (result.fault !== undefined) break
  }
  result.reusable = parser.ended !== undefined && parser.reusable && result.fault === undefined
  if (result.fault === undefined) result.fault = parser.finish()
  result.ended = parser.ended !== undefined
  return result
}

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const readText = (text: string, method?: string): Read => read([bytes(text)], method)

/** Cuts at the given places, which may be anywhere and equal. */
function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const at = [0, ...places.map((place) => place % (whole.length + 1)), whole.length]
  at.sort((a, b) => a - b)
  return at.slice(1).map((end, i) => whole.subarray(at[i], end))
}

const anyHead = 'HTTP/1.1 200 OK\r\n'
const whole: readonly [string, string, string, boolean][] = [
  ['a length', `${anyHead}Content-Length: 5\r\n\r\nhello`, 'hello', true],
  ['no reason and no body', 'HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n', '', true],
  [
    'chunks',
    `${anyHead}transfer-encoding: Chunked\r\n\r\n3\r\nhel\r\n2;a="b"\r\nlo\r\n0\r\n\r\n`,
    'hello',
    true,
  ],
  [
    'trailers',
    `${anyHead}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n000\r\nx: 1\r\ny:\r\n\r\n`,
    'hello',
    true,
  ],
  [
    'Connection: close',
    `${anyHead}connection: x, Close\r\ncontent-length: 5\r\n\r\nhello`,
    'hello',
    false,
  ],
  ['an end of the connection', `${anyHead}\r\nhello`, 'hello', false],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello', 'hello', false],
  [
    'announcements',
    `HTTP/1.1 103 Early\r\nlink: a\r\n\r\nHTTP/1.1 100\r\n\r\n${anyHead}content-length: 1\r\n\r\nx`,
    'x',
    true,
  ],
  ['204', 'HTTP/1.1 204 No Content\r\nx: 1\r\n\r\n', '', true],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n', '', false],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n', '', false],
]
for (const [what, text, body, reusable] of whole)
  test(`a response with ${what} is read as it is`, () => {
    const result = readText(text)
    assert.equal(result.fault, undefined)
    assert.equal(result.ended, true)
    assert.equal(result.body, body)
    assert.equal(result.reusable, reusable)
  })

test('a response to HEAD ends with its head, and one that declares a body ends its connection', () => {
  const result = readText(`${anyHead}content-length: 5\r\n\r\n`, 'HEAD')
  assert.deepEqual([result.ended, result.reusable, result.body], [true, false, ''])
  assert.equal(readText(`${anyHead}content-length: 0\r\n\r\n`, 'HEAD').reusable, true)
})

const field = (line: string): string => `${anyHead}${line}\r\ncontent-length: 0\r\n\r\n`
const faulty: readonly [string, string][] = [
  ['another protocol', 'SSH-2.0-x\r\n'],
  ['HTTP/2', 'HTTP/2 200 OK\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a lower-case protocol', 'http/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n'],
  ['two spaces', 'HTTP/1.1  200 OK\r\ncontent-length: 0\r\n\r\n'],
  ['a control character in the reason', 'HTTP/1.1 200 O\0K\r\ncontent-length: 0\r\n\r\n'],
  ['an empty line first', `\r\n${anyHead}\r\n`],
  ['a bare line feed', `HTTP/1.1 200 OK\ncontent-length: 0\n\n`],
  ['a bare line feed among fields', field('a: 1\nb: 2')],
  ['a bare carriage return', field('a: 1\rb: 2')],
  ['a space before the colon', field('a : 1')],
  ['a folded line', field('a: 1\r\n b: 2')],
  ['a line folded with a tab', field('a: 1\r\n\tb: 2')],
  ['a field without a colon', field('abc')],
  ['a field without a name', field(': abc')],
  ['a name with a space', field('a b: c')],
  ['a NUL in a value', field('a: b\0c')],
  ['two lengths', field('content-length: 0')],
  ['a list of lengths', `${anyHead}content-length: 5, 5\r\n\r\nhello`],
  ['a signed length', `${anyHead}content-length: +5\r\n\r\nhello`],
  ['a negative length', `${anyHead}content-length: -1\r\n\r\n`],
  ['a length in hexadecimal', `${anyHead}content-length: 0x5\r\n\r\nhello`],
  ['a length beyond counting', `${anyHead}content-length: 9999999999999999\r\n\r\n`],
  ['an empty length', `${anyHead}content-length:\r\n\r\n`],
  [
    'a length and chunks',
    `${anyHead}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['two transfer codings', `${anyHead}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  [
    'a transfer coding twice',
    `${anyHead}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['identity', `${anyHead}transfer-encoding: identity\r\n\r\n`],
  ['chunks in HTTP/1.0', 'HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['a switch of protocols', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
  ['announcements without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20)],
  ['more than a hundred fields', field('a: 1\r\n'.repeat(100).trimEnd())],
  ['a head without end', `${anyHead}a: ${'x'.repeat(20_000)}`],
  ['a long head', `${anyHead}a: ${'x'.repeat(17_000)}\r\n\r\n`],
  ['a chunk size that is none', `${anyHead}transfer-encoding: chunked\r\n\r\nzz\r\n`],
  ['an empty chunk size', `${anyHead}transfer-encoding: chunked\r\n\r\n\r\n`],
  ['a signed chunk size', `${anyHead}transfer-encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n`],
  [
    'a chunk size of nine digits',
    `${anyHead}transfer-encoding: chunked\r\n\r\n000000005\r\nhello\r\n`,
  ],
  [
    'a chunk line with a bare line feed',
    `${anyHead}transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`,
  ],
  [
    'a line feed in an extension',
    `${anyHead}transfer-encoding: chunked\r\n\r\n5;\n\r\nhello\r\n0\r\n\r\n`,
  ],
  [
    'a chunk that is longer than its size',
    `${anyHead}transfer-encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n`,
  ],
  [
    'a chunk extension without end',
    `${anyHead}transfer-encoding: chunked\r\n\r\n5;${'a'.repeat(3_000)}`,
  ],
  [
    'trailers without end',
    `${anyHead}transfer-encoding: chunked\r\n\r\n0\r\n${`a: ${'x'.repeat(500)}\r\n`.repeat(50)}`,
  ],
  ['a trailer that is no field', `${anyHead}transfer-encoding: chunked\r\n\r\n0\r\nabc\r\n\r\n`],
]
for (const [what, text] of faulty)
  test(`a response with ${what} is a fault, wherever it is cut`, () => {
    assert.notEqual(readText(text).fault, undefined)
    const single = read(Array.from(bytes(text), (_, i) => bytes(text).subarray(i, i + 1)))
    assert.notEqual(single.fault, undefined)
    assert.equal(single.ended, false)
  })

const unended: readonly [string, string][] = [
  ['in its head', anyHead],
  ['in its body', `${anyHead}content-length: 5\r\n\r\nhell`],
  ['before its last chunk', `${anyHead}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`],
  ['in its trailers', `${anyHead}transfer-encoding: chunked\r\n\r\n0\r\n`],
  ['after an announcement', 'HTTP/1.1 100 Continue\r\n\r\n'],
]
for (const [where, text] of unended)
  test(`a connection that ends ${where} gives no response`, () => {
    const result = readText(text)
    assert.equal(result.fault, 'the connection ended before the response')
    assert.equal(result.ended, false)
  })

test('bytes behind the end of a response are a fault, and the response is whole', () => {
  const extra = ['x', '\r\n', `${anyHead}content-length: 0\r\n\r\n`]
  for (const [, text, body, reusable] of whole.filter(([what]) => !what.includes('end of'))) {
    for (const more of extra) {
      const result = readText(text + more)
      assert.equal(result.fault, 'bytes that answer no request')
      assert.deepEqual([result.ended, result.body, result.reusable], [true, body, false])
      assert.equal(typeof reusable, 'boolean')
    }
  }
})

test('a field of any name has the values that were sent, also one that an object has already', () => {
  const { headers } = readText(
    `${anyHead}__proto__: a\r\nconstructor: b\r\n__PROTO__: c\r\ncontent-length: 0\r\n\r\n`,
  )
  assert.deepEqual(Object.getOwnPropertyDescriptor(headers, 'constructor')?.value, 'b')
  assert.equal(headers?.toString, Object.prototype.toString)
})

const names = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/)
const values = fc.stringMatching(
  /^[\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,30}[\x21-\x7e\x80-\xff])?$/,
)
const framing = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  '__proto__',
])
const responses = fc.record({
  status: fc.integer({ min: 200, max: 599 }).filter((s) => s !== 204 && s !== 304),
  fields: fc.array(
    fc.tuple(
      names.filter((n) => !framing.has(n.toLowerCase())),
      values,
    ),
    {
      maxLength: 8,
    },
  ),
  announcements: fc.nat(3),
  body: fc.uint8Array({ maxLength: 300 }),
  chunks: fc.option(fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 6 })),
  places: fc.array(fc.nat(), { maxLength: 12 }),
})

function write(response: {
  status: number
  fields: [string, string][]
  announcements: number
  body: Uint8Array
  chunks: number[] | null
}): Buffer {
  const body = Buffer.from(response.body)
  const lines = response.fields.map(([name, value]) => `${name}:${value}\r\n`).join('')
  const parts = ['HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n'.repeat(response.announcements)]
  parts.push(`HTTP/1.1 ${response.status} Some reason\r\n${lines}`)
  if (response.chunks === null) {
    parts.push(`Content-Length: ${body.length}\r\n\r\n`, body.toString('latin1'))
    return bytes(parts.join(''))
  }
  parts.push('Transfer-Encoding: chunked\r\n\r\n')
  let at = 0
  for (const size of [...response.chunks, body.length]) {
    const part = body.subarray(at, at + size)
    at += part.length
    if (part.length > 0)
      parts.push(`${part.length.toString(16)};x=1\r\n${part.toString('latin1')}\r\n`)
  }
  parts.push('0\r\nTrailer: 1\r\n\r\n')
  return bytes(parts.join(''))
}

test('whatever is sent is what is read, wherever the bytes are cut', () => {
  fc.assert(
    fc.property(responses, (response) => {
      const result = read(cut(write(response), response.places))
      assert.equal(result.fault, undefined)
      assert.equal(result.status, response.status)
      assert.equal(result.body, Buffer.from(response.body).toString('latin1'))
      assert.equal(result.reusable, true)
      const wanted: Record<string, string[]> = {}
      for (const [name, value] of response.fields)
        wanted[name.toLowerCase()] = [
          ...(Object.hasOwn(wanted, name.toLowerCase()) ? (wanted[name.toLowerCase()] ?? []) : []),
          value,
        ]
      for (const [name, all] of Object.entries(wanted))
        assert.deepEqual([result.headers?.[name]].flat(), all)
    }),
    { numRuns: 500 },
  )
})

test('any bytes give the same result in one piece, in any pieces, and one by one', () => {
  const shards = fc.constantFrom(
    ...[
      'HTTP/1.1 200 OK',
      'HTTP/1.1 100',
      '\r\n',
      '\r\n\r\n',
      '\n',
      '\r',
      'content-length: 3',
      'abc',
    ],
    ...[
      'transfer-encoding: chunked',
      'connection: close',
      '3',
      '0',
      ';',
      ' ',
      ':',
      'x: y',
      '\0',
      'ÿ',
    ],
  )
  const input = fc.oneof(
    fc.array(shards, { maxLength: 20 }).map((parts) => bytes(parts.join(''))),
    fc.uint8Array({ maxLength: 60 }).map((some) => Buffer.from(some)),
    fc.tuple(responses, fc.nat(), fc.nat(255)).map(([response, place, byte]) => {
      const sent = write(response)
      sent[place % sent.length] = byte
      return sent
    }),
  )
  const memory = new HeadMemory()
  fc.assert(
    fc.property(input, fc.array(fc.nat(), { maxLength: 10 }), (sent, places) => {
      const once = read([sent])
      const single = read(Array.from(sent, (_, i) => sent.subarray(i, i + 1)))
      const same = ({ status, headers, body, ended, reusable, fault }: Read) => ({
        ...{ status, headers, ended, reusable },
        faulty: fault !== undefined,
        // What a fault cuts off may have been handed over or not: it is thrown away.
        body: ended ? body : '',
      })
      assert.deepEqual(same(read(cut(sent, places))), same(once))
      assert.deepEqual(same(single), same(once))
      assert.deepEqual(same(read([sent], 'GET', memory)), same(once))
    }),
    { numRuns: 3_000 },
  )
})
