import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { FieldNames } from '../upstreams/field-text.ts'
import { RequestParser } from './request-parser.ts'

/** A request as somebody read it. */
export type Seen = {
  method: string
  target: string
  version: string
  headers: Record<string, unknown>
  fields: readonly string[]
  body: string
  whole: boolean
}

/** What somebody made of a stream of bytes. */
export type Reading = { requests: Seen[]; fault: boolean; closes: boolean }

const longestHead = 16_384

/** What our parser makes of bytes that come in these pieces. */
export function readByUs(pieces: readonly Buffer[]): Reading {
  const reading: Reading = { requests: [], fault: false, closes: false }
  const parser = new RequestParser(
    {
      ended: false,
      begin(head, body) {
        reading.requests.push({
          method: head.method,
          target: head.target,
          version: head.version,
          headers: withoutProto(head.headers),
          fields: [...head.rawHeaders],
          body: body?.toString('latin1') ?? '',
          whole: body !== undefined,
        })
        reading.closes = !head.persistent
      },
      body(bytes) {
        const last = reading.requests.at(-1)
        if (last !== undefined) last.body += bytes.toString('latin1')
      },
      finish() {
        const last = reading.requests.at(-1)
        if (last !== undefined) last.whole = true
      },
    },
    new FieldNames(),
    longestHead,
  )
  // Its own copy: a parser may move the bytes that it was given.
  for (const piece of pieces)
    reading.fault ||= parser.feed(Buffer.from(piece), piece.length) !== undefined
  return reading
}

/** What Node's own parser (llhttp, strict) makes of bytes: an opinion that is not ours. */
export class NodeReader {
  #server = createServer({ requireHostHeader: false, maxHeaderSize: longestHead })
  #reading: Reading = { requests: [], fault: false, closes: false }

  constructor() {
    this.#server.maxHeadersCount = 0
    const seen = (request: IncomingMessage): void => this.#take(request)
    this.#server.on('request', seen)
    this.#server.on('checkContinue', seen)
    this.#server.on('checkExpectation', seen)
    this.#server.on('connect', () => {
      this.#reading.fault = true
    })
    this.#server.on('clientError', () => {
      this.#reading.fault = true
    })
  }

  async read(bytes: Buffer): Promise<Reading> {
    const reading: Reading = { requests: [], fault: false, closes: false }
    this.#reading = reading
    const socket = new Duplex({ read: () => undefined, write: (_chunk, _coding, done) => done() })
    socket.on('error', () => undefined)
    this.#server.emit('connection', socket)
    socket.push(bytes)
    // Events of bodies come in later turns.
    for (let turn = 0; turn < 4; turn += 1)
      await new Promise((resolve) => {
        setImmediate(resolve)
      })
    socket.destroy()
    return reading
  }

  #take(request: IncomingMessage): void {
    const seen: Seen = {
      method: request.method ?? '',
      target: request.url ?? '',
      version: request.httpVersion,
      headers: withoutProto(request.headers),
      fields: [...request.rawHeaders],
      body: '',
      whole: false,
    }
    this.#reading.requests.push(seen)
    request.on('data', (chunk: Buffer) => {
      seen.body += chunk.toString('latin1')
    })
    request.on('end', () => {
      seen.whole = request.complete
    })
    request.on('error', () => undefined)
  }
}

/** Node has no place for a field of this name: it is among the raw ones only. */
function withoutProto(headers: IncomingHttpHeaders): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([one]) => one !== '__proto__'))
}

const piece = (...texts: readonly string[]) => fc.constantFrom(...texts)
const method = piece('GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'QUERY', 'SOURCE')
const target = piece(
  '/',
  '/a',
  '/a?b=c',
  '*',
  'http://h/x',
  'https://h:1/',
  'h:1',
  '//a',
  '/a#b',
  'a',
)
const end = piece(
  ...Array<string>(8).fill('\r\n'),
  ...['\n', '\r', '\r\r\n', '\r\n ', '\r\n\t', '\n\r'],
)
const space = piece(...Array<string>(6).fill(''), ...Array<string>(6).fill(' '), '\t', '  ', '\x0b')
const name = piece(
  ...['Host', 'host', 'X-A', 'x-b', 'Cookie', 'Set-Cookie', 'Content-Type', 'Authorization'],
  ...['Content-Length', 'content-length', 'Transfer-Encoding', 'Connection', 'Expect', '__proto__'],
  ...['constructor', 'X_Y', 'x y', '', 'ä', 'x\0', 'Accept', 'Date', 'Trailer', 'Age', 'From'],
)
const value = piece(
  ...[
    'h',
    '',
    'a, b',
    '5',
    '0',
    '00',
    '05',
    '5, 5',
    '+5',
    '-1',
    '0x5',
    '1 ',
    '99999999999999999999',
  ],
  ...[
    'chunked',
    'Chunked',
    'gzip, chunked',
    'chunked, identity',
    'identity',
    ' chunked',
    '"chunked"',
  ],
  ...['close', 'keep-alive', 'Keep-Alive', 'close, te', 'keep-alive, x', 'te', '100-continue', 'x'],
  ...['a\0b', 'a\x7fb', 'aÿb', 'a\tb', 'a\rb', 'a:b', '/', 'text/html; a="b"'],
)
const field = fc
  .tuple(name, piece(':', ':', ':', ':', ' :', ''), space, value, space, end)
  .map((parts) => parts.join(''))
const soundField = piece(
  ...[
    'Host: h\r\n',
    'X-A: 1\r\n',
    'x-a: 2\r\n',
    'Cookie: a=b\r\n',
    'cookie: c\r\n',
    'Accept: */*\r\n',
  ],
  ...['Authorization: Bearer x\r\n', 'authorization: y\r\n', 'Connection: keep-alive\r\n'],
)
const size = piece(
  ...[
    '0',
    '0',
    '0',
    '1',
    '3',
    '5',
    '05',
    '00',
    'A',
    'a',
    '0x1',
    ' 1',
    '1 ',
    '1\t',
    '',
    '-1',
    '+1',
    'g',
  ],
  ...['ffffffff', 'fffffffff', '10000000000000001'],
)
const extension = piece(
  ...Array<string>(8).fill(''),
  ...[';a', ';a=b', ';a="b"', ';', ';a=', ';="b"', ';a="b', ' ;a', ';a;b=c', ';a="\\""', ';a=b c'],
  ...[';a="b"c', ';a="\x80"', ';a="b"=c', ';;', ';a ;b', ';a="b";c', ';a="b" '],
)
const chunk = fc
  .tuple(size, extension, end, piece('', 'a', 'abc', 'abcde', 'abcdefghij'), end)
  .map((parts) => parts.join(''))
const soundChunk = piece('1\r\na\r\n', '5\r\nabcde\r\n', '3;a=b\r\nabc\r\n', 'a\r\n0123456789\r\n')
const trailers = fc.tuple(fc.array(fc.oneof(field, soundField), { maxLength: 2 }), end)
const body = fc.oneof(
  { weight: 4, arbitrary: fc.constant('') },
  piece('hello', 'abc', '12345'),
  fc
    .tuple(
      fc.array(fc.oneof(soundChunk, chunk), { maxLength: 3 }),
      piece('0\r\n', '0\r\n', '0', '00\r\n'),
      trailers,
    )
    .map(
      ([chunks, last, [fields, after]]) => `${chunks.join('')}${last}${fields.join('')}${after}`,
    ),
)
const framing = piece(
  ...['', '', 'Content-Length: 5\r\n', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n'],
  ...['Transfer-Encoding: chunked\r\n', 'transfer-encoding: CHUNKED\r\n', 'Content-Length: 0\r\n'],
)
const version = piece(
  ...Array<string>(8).fill('HTTP/1.1'),
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'http/1.1',
)
const gap = piece(...Array<string>(10).fill(' '), '  ', '\t', '')
const request = fc
  .tuple(
    fc.tuple(
      piece(...Array<string>(9).fill(''), '\r\n', '\n', '\r\n\r\n', ' '),
      method,
      gap,
      target,
      gap,
      version,
      end,
    ),
    fc.array(fc.oneof({ weight: 4, arbitrary: soundField }, field), { maxLength: 4 }),
    framing,
    end,
    body,
  )
  .map(([line, fields, framed, empty, content]) =>
    [...line, ...fields, framed, empty, content].join(''),
  )
const soundRequest = fc
  .tuple(
    piece('GET / HTTP/1.1', 'POST /a?b HTTP/1.1', 'PUT http://h/ HTTP/1.1', 'GET / HTTP/1.0'),
    fc.array(soundField, { maxLength: 5 }),
    piece(
      '\r\n',
      'Content-Length: 5\r\n\r\nhello',
      'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\nx\r\n0\r\nx-t: 1\r\n\r\n',
    ),
  )
  .map(([line, fields, rest]) => `${line}\r\n${fields.join('')}${rest}`)
const change = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(4),
  fc.oneof(
    piece('\r\n', '\n', '\r', '\0', ' ', '\t', ':', ';', ',', '0', '\x7f', '\xff', '\x85', '\xa0'),
    piece(
      'Transfer-Encoding: chunked\r\n',
      'Content-Length: 5\r\n',
      'HTTP/1.1',
      '0\r\n\r\n',
      '\r\n\r\n',
    ),
    fc.string({ maxLength: 3 }),
  ),
)

/** Streams of bytes between sound requests and nonsense. */
export const streamsOfBytes = fc
  .tuple(
    fc.array(fc.oneof({ weight: 3, arbitrary: soundRequest }, request), {
      minLength: 1,
      maxLength: 3,
    }),
    fc.oneof(fc.constant([]), fc.array(change, { maxLength: 2 })),
  )
  .map(([requests, changes]) => {
    let text = requests.join('')
    for (const [at, removed, put] of changes) {
      const from = Math.floor(at * text.length)
      text = text.slice(0, from) + put + text.slice(from + removed)
    }
    return Buffer.from(text, 'latin1')
  })

/** Where a stream is cut into pieces, as parts of its length. */
export const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 })

export function cutAt(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = places.map((place) => Math.floor(place * bytes.length)).sort((a, b) => a - b)
  return [0, ...at].map((from, i) => bytes.subarray(from, at[i] ?? bytes.length))
}
