import { FieldNames, notInValues, withoutSpace } from './field-text.ts'

/** Names in lower case; a field that came more than once has its values in their order. */
export type ResponseHeaders = Readonly<Record<string, string | string[] | undefined>>

/** The head of a response, and what it says about where the response ends. */
export type ResponseHead = {
  status: number
  headers: ResponseHeaders
  /** bytes of the body, or how its end is found */
  length: number | 'chunked' | 'until close'
  /** whether the upstream keeps the connection for another request */
  persistent: boolean
  /** for how many seconds it said that it does */
  keepAliveSeconds: number | undefined
}

const mostFields = 100
const knownNames = new FieldNames()
const statusLine = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/
const digits = /^[0-9]{1,15}$/

/**
 * Reads a response head, strictly (RFC 9112): what two parsers could read differently is a fault, because the next
 * response on the connection begins where this one ends.
 * @param text the head in latin1, without the empty line that ends it
 * @returns the head, or what is wrong with it
 */
export function parseResponseHead(text: string): ResponseHead | string {
  const lines = text.split('\r\n')
  const start = statusLine.exec(lines[0] ?? '')
  if (start === null) return 'the status line is malformed'
  if (lines.length - 1 > mostFields) return `more than ${mostFields} fields`
  // Without a prototype: an upstream may name a field `constructor` or `__proto__`.
  const headers: Record<string, string | string[] | undefined> = Object.create(null)
  for (let i = 1; i < lines.length; i += 1) {
    const fault = readField(lines[i] ?? '', headers)
    if (fault !== undefined) return fault
  }
  return framed(start[1] === '1', Number(start[2]), headers)
}

/**
 * Adds one field line. A folded line (RFC 9112 section 5.2) begins with a space, which no name does.
 * @returns what is wrong with it
 */
export function readField(
  line: string,
  headers: Record<string, string | string[] | undefined>,
): string | undefined {
  const colon = line.indexOf(':')
  const written = line.slice(0, Math.max(0, colon))
  const name = knownNames.of(written)
  if (name === undefined) return 'a field name is malformed'
  const value = withoutSpace(line, colon + 1, line.length)
  if (notInValues.test(value)) return 'a field value is malformed'
  const before = headers[name]
  if (before === undefined) headers[name] = value
  else if (typeof before === 'string') headers[name] = [before, value]
  else before.push(value)
  return undefined
}

/** Where the response ends (RFC 9112 section 6.3), and whether the connection is good for another one (section 9.3). */
function framed(
  isOneOne: boolean,
  status: number,
  headers: ResponseHeaders,
): ResponseHead | string {
  const coding = headers['transfer-encoding']
  const declared = headers['content-length']
  let length: ResponseHead['length'] = 'until close'
  if (coding !== undefined) {
    if (declared !== undefined) return 'both Transfer-Encoding and Content-Length'
    if (!isOneOne) return 'Transfer-Encoding in HTTP/1.0'
    if (typeof coding !== 'string' || coding.toLowerCase() !== 'chunked')
      return 'a transfer coding besides chunked'
    length = 'chunked'
  } else if (declared !== undefined) {
    if (typeof declared !== 'string') return 'more than one Content-Length'
    if (!digits.test(declared)) return 'the Content-Length is malformed'
    length = Number(declared)
  }
  const options = listOf(headers.connection)
  return {
    status,
    headers,
    length,
    persistent: isOneOne && !options.includes('close'),
    keepAliveSeconds: keepAliveOf(headers['keep-alive']),
  }
}

const listOf = (value: string | string[] | undefined): readonly string[] => {
  if (value === undefined || value === 'keep-alive') return none
  return String(value)
    .toLowerCase()
    .split(',')
    .map((option) => option.trim())
}

const none: readonly string[] = []

function keepAliveOf(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined
  const seconds = /(?:^|[,;\s])timeout="?(\d{1,9})\b/i.exec(value)?.[1]
  return seconds === undefined ? undefined : Number(seconds)
}
