import { ChunkedBody } from './chunked-body.ts'
import { parseResponseHead, type ResponseHead } from './response-head.ts'

/** Who is told of a response while it is read. */
export interface ResponseSink {
  /** The final head; announcements (1xx) before it are passed over. */
  head(head: ResponseHead): void
  /** Bytes of the body, at most once for each piece that was read. They change after the call. */
  body(bytes: Buffer, start: number, end: number): void
}

type State = 'idle' | 'head' | 'length' | 'chunked' | 'until close' | 'done'

const longestHead = 16_384
const mostAnnouncements = 10
const endOfHead = '\r\n\r\n'
const beginning = 'HTTP/1.'

/**
 * Reads the responses of one connection, one at a time, from bytes that are split anywhere. Strict: nothing is repaired,
 * and what is not certain is a fault. After a fault, and after bytes that nobody asked for, the connection must not be
 * used again: what comes next on it could be taken for the answer to another request.
 */
export class ResponseParser {
  #sink: ResponseSink
  #heads: HeadMemory
  #state: State = 'idle'
  /** a HEAD request: its response has no body, whatever it declares */
  #bodyless = false
  #head: ResponseHead | undefined
  #reusable = false
  /** of a head that has not ended yet, in latin1 */
  #text = ''
  #left = 0
  #chunks: ChunkedBody | undefined
  #announcements = 0

  constructor(sink: ResponseSink, heads: HeadMemory) {
    this.#sink = sink
    this.#heads = heads
  }

  /** A request was sent: its response comes next. */
  expect(method: string): void {
    this.#state = 'head'
    this.#bodyless = method === 'HEAD'
    this.#head = undefined
    this.#text = ''
    this.#chunks = undefined
    this.#announcements = 0
  }

  /** The head of the response that has ended; undefined while one is awaited or read. */
  get ended(): ResponseHead | undefined {
    return this.#state === 'done' ? this.#head : undefined
  }

  /** Of a response that has ended: whether another request may be sent on its connection. */
  get reusable(): boolean {
    return this.#reusable
  }

  /**
   * Takes the first `end` bytes, which it may move.
   * @returns what is wrong with them; a response that ended before the fault has ended all the same
   */
  feed(bytes: Buffer, end: number): string | undefined {
    let at = 0
    while (at < end) {
      switch (this.#state) {
        case 'head': {
          const next = this.#readHead(bytes, at, end)
          if (typeof next === 'string') return next
          at = next
          break
        }
        case 'length': {
          const part = Math.min(this.#left, end - at)
          this.#left -= part
          if (this.#left === 0) this.#state = 'done'
          this.#sink.body(bytes, at, at + part)
          at += part
          break
        }
        case 'chunked': {
          const chunks = this.#chunks ?? new ChunkedBody()
          this.#chunks = chunks
          const next = chunks.decode(bytes, at, end)
          if (chunks.fault !== undefined) return chunks.fault
          if (chunks.done) this.#state = 'done'
          if (chunks.decodedEnd > at) this.#sink.body(bytes, at, chunks.decodedEnd)
          at = next
          break
        }
        case 'until close':
          this.#sink.body(bytes, at, end)
          return undefined
        case 'idle':
        case 'done':
          return 'bytes that answer no request'
      }
    }
    return undefined
  }

  /**
   * The connection ended.
   * @returns what is wrong when that cuts a response off
   */
  finish(): string | undefined {
    if (this.#state === 'until close') this.#state = 'done'
    return this.#state === 'done' || this.#state === 'idle'
      ? undefined
      : 'the connection ended before the response'
  }

  /** @returns where the head ends, or what is wrong with it */
  #readHead(bytes: Buffer, at: number, end: number): number | string {
    const before = this.#text.length
    // One byte more than a head may have: then it is too long.
    const text =
      this.#text + bytes.toString('latin1', at, Math.min(end, at + longestHead + 1 - before))
    const found = text.indexOf(endOfHead, Math.max(0, before - 3))
    if (found < 0) {
      this.#text = text
      if (text.length > longestHead) return 'the head is too long'
      // What cannot become a head is a fault at once, not at the deadline.
      if (!text.startsWith(beginning.slice(0, text.length))) return 'this is not HTTP/1'
      return hasBareLineFeed(text, before) ? bareEnd : end
    }
    this.#text = ''
    const head = this.#heads.parse(text.slice(0, found))
    if (typeof head === 'string') return head
    const fault = this.#begin(head)
    return fault ?? at + found + endOfHead.length - before
  }

  #begin(head: ResponseHead): string | undefined {
    const { status, length } = head
    if (status < 200) {
      // No Upgrade was asked for (RFC 9110 section 15.2.2).
      if (status === 101) return 'a switch of protocols'
      this.#announcements += 1
      return this.#announcements > mostAnnouncements ? 'too many announcements' : undefined
    }
    this.#head = head
    const bodyless = this.#bodyless || status === 204 || status === 304
    // One that declares a body where there is none may be about to send it.
    const declared = length === 'chunked' || (typeof length === 'number' && length > 0)
    this.#reusable = head.persistent && (bodyless ? !declared : length !== 'until close')
    if (bodyless || length === 0) this.#state = 'done'
    else if (length === 'chunked' || length === 'until close') this.#state = length
    else {
      this.#state = 'length'
      this.#left = length
    }
    this.#sink.head(head)
    return undefined
  }
}

const bareEnd = 'a line of the head ends without CRLF'

function hasBareLineFeed(text: string, from: number): boolean {
  for (let at = text.indexOf('\n', from); at >= 0; at = text.indexOf('\n', at + 1))
    if (text[at - 1] !== '\r') return true
  return false
}

const mostRemembered = 32
const longestRemembered = 512

/**
 * Upstreams repeat themselves: within one second most of their heads are equal, so those of a moment ago are remembered
 * as they were read. Long ones are not, and never more than a few.
 */
export class HeadMemory {
  #heads = new Map<string, ResponseHead>()

  parse(text: string): ResponseHead | string {
    const known = this.#heads.get(text)
    if (known !== undefined) return known
    if (text.length > longestRemembered) return parseResponseHead(text)
    // A string of its own: a part of another would keep all of that alive, with the body of somebody's answer.
    const own = Buffer.from(text, 'latin1').toString('latin1')
    const head = parseResponseHead(own)
    if (typeof head === 'string') return head
    if (this.#heads.size >= mostRemembered) this.#heads.clear()
    this.#heads.set(own, head)
    return head
  }
}
