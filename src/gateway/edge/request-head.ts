import { type IncomingHttpHeaders, METHODS } from 'node:http'
import { type FieldNames, notInValues, ownText, withoutSpace } from '../upstreams/field-text.ts'

/** One field as it came: the line with its end, and what it says. */
type FieldLine = { text: string; written: string; name: string; value: string }

/** The head of a request, and what it says about where the request ends. */
export type RequestHead = {
  /** as it came, with the empty line that ends it, in latin1 */
  text: string
  /** its field lines */
  lines: readonly FieldLine[]
  method: string
  target: string
  version: '1.1' | '1.0'
  /** by lower-case name; fields that came more than once are joined as Node does it */
  headers: IncomingHttpHeaders
  /** every field as it came, name and value in turn */
  rawHeaders: readonly string[]
  /** bytes of the body, or how its end is found */
  length: number | 'chunked'
  /** whether the client keeps the connection for another request */
  persistent: boolean
}

/** Bytes that are no request: what is counted, and what the client is told. */
export type ReadFault = {
  code: 'request-line' | 'field' | 'framing' | 'head-size' | 'chunk' | 'connect' | 'cut-off'
  status: 400 | 405 | 431
}

export const readFaults = {
  requestLine: { code: 'request-line', status: 400 },
  field: { code: 'field', status: 400 },
  framing: { code: 'framing', status: 400 },
  headSize: { code: 'head-size', status: 431 },
  chunk: { code: 'chunk', status: 400 },
  connect: { code: 'connect', status: 405 },
  cutOff: { code: 'cut-off', status: 400 },
} as const satisfies Record<string, ReadFault>

const requestLine =
  /^([A-Z][A-Z-]{1,19}) (\/[\x21-\x7e]*|\*|[Hh][Tt][Tt][Pp][Ss]?:\/\/[\x21-\x7e]+) HTTP\/1\.([01])$/
const methods: ReadonlySet<string> = new Set(METHODS)
const digits = /^[0-9]{1,16}$/
/** a part of another string is copied from this length on (V8), and would keep all of that alive */
const leastOwn = 13

/** Without a prototype: a client may name a field `constructor` or `__proto__`. As a class it is faster than a dictionary. */
class Fields {
  [name: string]: string | string[] | undefined
}
Object.setPrototypeOf(Fields.prototype, null)
Reflect.deleteProperty(Fields.prototype, 'constructor')

/** Of these the first one counts, as in Node; those that framing depends on are refused when they are doubled. */
const single = new Set([
  ...['age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host'],
  ...['if-modified-since', 'if-unmodified-since', 'last-modified', 'location', 'max-forwards'],
  ...['proxy-authorization', 'referer', 'retry-after', 'server', 'user-agent'],
])

/**
 * Reads heads of one connection, strictly (RFC 9112): what two parsers could read differently is a fault. Clients repeat
 * themselves, so lines that are the same as those of the head before are not read again.
 */
export class RequestHeads {
  #names: FieldNames
  #last: RequestHead | undefined

  constructor(names: FieldNames) {
    this.#names = names
  }

  /** The head before, when a text begins with the same one. */
  repeated(text: string): RequestHead | undefined {
    return this.#last !== undefined && begins(text, this.#last.text, 0) ? this.#last : undefined
  }

  /** Credentials are not kept longer than they are of use. */
  forget(): void {
    this.#last = undefined
  }

  /** @param text the head in latin1, with the empty line that ends it */
  read(text: string): RequestHead | ReadFault {
    const end = text.indexOf('\r\n')
    const start = requestLine.exec(text.slice(0, end))
    if (text.startsWith('CONNECT ')) return readFaults.connect
    const [, method = '', written = ''] = start ?? []
    if (start === null || !methods.has(method)) return readFaults.requestLine
    const before = this.#last?.lines
    const lines: FieldLine[] = []
    const rawHeaders: string[] = []
    const headers = new Fields()
    const last = text.length - 2
    for (let at = end + 2; at < last; ) {
      const known = before?.[lines.length]
      const line =
        known !== undefined && begins(text, known.text, at) ? known : this.#readLine(text, at)
      if (line === undefined) return readFaults.field
      lines.push(line)
      at += line.text.length
      rawHeaders.push(line.written, line.value)
      addField(headers, line.name, line.value)
    }
    const version = start[3] === '1' ? '1.1' : '1.0'
    const length = lengthOf(version, headers, rawHeaders)
    if (typeof length === 'object') return length
    const head: RequestHead = {
      text: ownText(text),
      lines,
      method,
      target: written.length < leastOwn ? written : ownText(written),
      version,
      headers,
      rawHeaders,
      length,
      persistent: isPersistent(version, headers.connection as string | undefined),
    }
    this.#last = head
    return head
  }

  /** A folded line (RFC 9112 section 5.2) begins with a space, which no name does. */
  #readLine(whole: string, at: number): FieldLine | undefined {
    const part = whole.slice(at, whole.indexOf('\r\n', at) + 2)
    const text = part.length < leastOwn ? part : ownText(part)
    const colon = text.indexOf(':')
    const written = text.slice(0, Math.max(0, colon))
    const name = this.#names.of(written)
    if (name === undefined) return undefined
    const value = withoutSpace(text, colon + 1, text.length - 2)
    return notInValues.test(value) ? undefined : { text, written, name, value }
  }
}

/** As `startsWith`, which compares one character at a time. */
const begins = (text: string, part: string, at: number): boolean =>
  text.slice(at, at + part.length) === part

function addField(headers: Fields, name: string, value: string): void {
  const before = headers[name]
  if (name === 'set-cookie') headers[name] = [...(before ?? []), value]
  else if (before === undefined) headers[name] = value
  else if (!single.has(name))
    headers[name] = `${before as string}${name === 'cookie' ? '; ' : ', '}${value}`
}

/** Where the request ends (RFC 9112 section 6.3). */
function lengthOf(
  version: string,
  headers: IncomingHttpHeaders,
  rawHeaders: readonly string[],
): RequestHead['length'] | ReadFault {
  const coding = headers['transfer-encoding']
  const declared = headers['content-length']
  if (coding !== undefined) {
    const isFramed = version === '1.1' && declared === undefined
    return isFramed && coding.toLowerCase() === 'chunked' ? 'chunked' : readFaults.framing
  }
  if (declared === undefined) return 0
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    if (name.length === 14 && name.toLowerCase() === 'content-length') count += 1
  }
  return count === 1 && digits.test(declared) ? Number(declared) : readFaults.framing
}

/** RFC 9112 section 9.3 */
function isPersistent(version: string, connection: string | undefined): boolean {
  if (connection === undefined) return version === '1.1'
  if (connection === 'keep-alive') return true
  const options = connection.split(',').map((option) => option.trim().toLowerCase())
  return !options.includes('close') && (version === '1.1' || options.includes('keep-alive'))
}
