import { ChunkedBody, type ChunkRules, tooLongTrailers } from '../upstreams/chunked-body.ts'
import type { FieldNames } from '../upstreams/field-text.ts'
import { type ReadFault, type RequestHead, RequestHeads, readFaults } from './request-head.ts'

/** Who is told of requests while they are read. */
export interface RequestSink {
  /** whether what comes now is not a request any more */
  readonly ended: boolean
  /** @param body when all of it came with the head; otherwise it follows */
  begin(head: RequestHead, body: Buffer | undefined): void
  /** A part of the body, which may be kept; empty when only framing came. */
  body(bytes: Buffer, pieces: number): void
  /** The body that followed is whole. */
  finish(): void
}

type State = 'start' | 'head' | 'length' | 'chunked' | 'over'

const endOfHead = '\r\n\r\n'
const noBytes = Buffer.alloc(0)
/** the usual head is within it */
const firstWindow = 2_048
/** what cannot become a request line */
const beginning = /^(?:[A-Z][A-Z-]{0,19}(?: |$))/
/** what cannot be in a head; its last line feed may still come */
const notInHeads = /[^\t\r\n\x20-\x7e\x80-\xff]|(?:^|[^\r])\n|\r[^\n]/

const chunkRules: ChunkRules = {
  // RFC 9112 section 7.1.1, without escapes in quoted strings.
  sizeLine:
    /^([0-9A-Fa-f]{1,8})(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*"))?)*$/,
  // What would have framed or routed the request, had it come in its head (RFC 9110 section 6.5.1).
  notInTrailers: [
    ...['connection', 'content-length', 'host', 'proxy-connection', 'te', 'trailer'],
    ...['transfer-encoding', 'upgrade'],
  ],
}

/**
 * Reads the requests of one connection, from bytes that are split anywhere. Nothing is repaired: what is not certain is a
 * fault, and nothing is read after it.
 */
export class RequestParser {
  #sink: RequestSink
  #heads: RequestHeads
  #longestHead: number
  #state: State = 'start'
  /** of a head that has not ended yet, in latin1 */
  #text = ''
  /** whether an empty line came before this head (RFC 9112 section 2.2) */
  #skipped = false
  #persistent = true
  #left = 0
  #chunks = new ChunkedBody(chunkRules)
  #countedChunks = 0
  /** how many requests have begun to come */
  begun = 0

  constructor(sink: RequestSink, names: FieldNames, longestHead: number) {
    this.#sink = sink
    this.#heads = new RequestHeads(names)
    this.#longestHead = longestHead
  }

  /** Whether a request has begun to come and is not whole. A head that comes too late to be one is none. */
  get partial(): boolean {
    if (this.#state === 'head') return !this.#sink.ended
    return this.#state !== 'start' && this.#state !== 'over'
  }

  get inHead(): boolean {
    return this.#state === 'head'
  }

  /** What was read a moment ago is not needed any more. */
  forget(): void {
    this.#heads.forget()
  }

  /** Takes the first `end` bytes, which it may move. */
  feed(bytes: Buffer, end: number): ReadFault | undefined {
    let at = 0
    while (at < end) {
      switch (this.#state) {
        case 'start':
        case 'head': {
          // Also when its head has begun to come: its answer would be behind a `Connection: close`.
          if (this.#sink.ended) this.#state = 'over'
          else {
            const next = this.#readHead(bytes, at, end)
            if (typeof next !== 'number') return next
            at = next
          }
          break
        }
        case 'length': {
          const part = Math.min(this.#left, end - at)
          this.#left -= part
          this.#sink.body(ownBytes(bytes, at, at + part), 1)
          at += part
          if (this.#left === 0) this.#finish()
          break
        }
        case 'chunked': {
          const next = this.#readChunks(bytes, at, end)
          if (typeof next !== 'number') return next
          at = next
          break
        }
        case 'over':
          return undefined
      }
    }
    return undefined
  }

  /** @returns how far it read, or what is wrong */
  #readHead(bytes: Buffer, at: number, end: number): number | ReadFault {
    if (this.#text === '' && !this.#skipped && bytes[at] === 0x0d) {
      // An empty line; its second half may still come.
      if (at + 1 === end) {
        this.#text = '\r'
        this.#state = 'head'
        this.begun += 1
        return end
      }
      if (bytes[at + 1] !== 0x0a) return readFaults.requestLine
      this.#skipped = true
      return at + 2
    }
    if (this.#state === 'start') {
      this.#state = 'head'
      this.begun += 1
    }
    const before = this.#text
    if (before === '\r' && !this.#skipped) {
      if (bytes[at] !== 0x0a) return readFaults.requestLine
      this.#text = ''
      this.#skipped = true
      this.#state = 'start'
      return at + 1
    }
    // One byte more than a head may have: then it is too long.
    const most = Math.min(end, at + this.#longestHead + 1 - before.length)
    let read = Math.min(most, at + firstWindow)
    let text = before + bytes.toString('latin1', at, read)
    if (before === '') {
      const known = this.#heads.repeated(text)
      if (known !== undefined) return this.#begin(known, bytes, at + known.text.length, end)
    }
    let found = text.indexOf(endOfHead, Math.max(0, before.length - 3))
    if (found < 0 && read < most) {
      text += bytes.toString('latin1', read, most)
      read = most
      found = text.indexOf(endOfHead)
    }
    const whole = found + endOfHead.length
    if (found < 0 || whole > this.#longestHead) return this.#keep(text, before.length, read)
    this.#text = ''
    const head = this.#heads.read(text.slice(0, whole))
    if ('code' in head) return head
    return this.#begin(head, bytes, at + whole - before.length, end)
  }

  /** What cannot become a head is a fault at once, not at the deadline. */
  #keep(text: string, before: number, read: number): number | ReadFault {
    if (!beginning.test(text)) return readFaults.requestLine
    // What came before has been looked at, but for a carriage return at its end.
    if (notInHeads.test(text.slice(text[before - 1] === '\r' ? before - 1 : before)))
      return readFaults.field
    if (text.length > this.#longestHead) return readFaults.headSize
    this.#text = text
    return read
  }

  /** @returns how far it read */
  #begin(head: RequestHead, bytes: Buffer, at: number, end: number): number {
    const { length } = head
    this.#persistent = head.persistent
    if (length !== 'chunked' && length <= end - at) {
      this.#finish(false)
      this.#sink.begin(head, length === 0 ? noBytes : ownBytes(bytes, at, at + length))
      return at + length
    }
    if (length === 'chunked') {
      this.#chunks = new ChunkedBody(chunkRules)
      this.#countedChunks = 0
      this.#state = 'chunked'
    } else {
      this.#left = length
      this.#state = 'length'
    }
    this.#sink.begin(head, undefined)
    return at
  }

  #readChunks(bytes: Buffer, at: number, end: number): number | ReadFault {
    const chunks = this.#chunks
    const next = chunks.decode(bytes, at, end)
    if (chunks.fault !== undefined)
      return chunks.fault === tooLongTrailers ? readFaults.headSize : readFaults.chunk
    const pieces = chunks.chunks - this.#countedChunks
    this.#countedChunks = chunks.chunks
    if (chunks.decodedEnd > at || pieces > 0)
      this.#sink.body(ownBytes(bytes, at, chunks.decodedEnd), pieces)
    if (chunks.done) this.#finish()
    return next
  }

  #finish(followed = true): void {
    this.#state = this.#persistent ? 'start' : 'over'
    this.#skipped = false
    this.#text = ''
    if (followed) this.#sink.finish()
  }
}

function ownBytes(bytes: Buffer, start: number, end: number): Buffer {
  const own = Buffer.allocUnsafe(end - start)
  bytes.copy(own, 0, start, end)
  return own
}
