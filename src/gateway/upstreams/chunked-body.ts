import { readField } from './response-head.ts'

type State = 'size' | 'data' | 'end of data' | 'trailers' | 'done'

const longestLine = 1_024
const mostTrailerBytes = 16_384

/** @public */
export const tooLongTrailers = 'the trailers are too long'

/**
 * How strictly the lines of a chunked body are read.
 * @public
 */
export type ChunkRules = {
  /** the size in its first group */
  sizeLine: RegExp
  /** names that a trailer may not have, in lower case */
  notInTrailers: readonly string[]
}

/** Of upstreams, which are not refused for an extension. */
const tolerant: ChunkRules = {
  sizeLine: /^([0-9A-Fa-f]{1,8})[ \t]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/,
  notInTrailers: [],
}

/**
 * Decodes the chunked transfer coding (RFC 9112 section 7.1) where it lies: chunks are moved together, so that an
 * upstream that sends single bytes costs one piece and not many. Extensions and trailers are checked and dropped.
 * @public
 */
export class ChunkedBody {
  #state: State = 'size'
  #left = 0
  /** a line that has not ended yet */
  #line = ''
  #trailerBytes = 0
  #rules: ChunkRules
  /** how many chunks have begun */
  chunks = 0
  /** what is wrong; nothing is decoded after that */
  fault: string | undefined
  /** how far the decoded bytes of the last piece reach */
  decodedEnd = 0

  constructor(rules = tolerant) {
    this.#rules = rules
  }

  get done(): boolean {
    return this.#state === 'done'
  }

  /**
   * Decodes what is between `start` and `end`; the result lies between `start` and `decodedEnd`.
   * @returns how far it read: less than `end` when the body ended before
   */
  decode(bytes: Buffer, start: number, end: number): number {
    let at = start
    this.decodedEnd = start
    while (at < end && this.#state !== 'done' && this.fault === undefined) {
      if (this.#state !== 'data') {
        at = this.#readLine(bytes, at, end)
        continue
      }
      const part = Math.min(this.#left, end - at)
      if (this.decodedEnd !== at) bytes.copyWithin(this.decodedEnd, at, at + part)
      this.decodedEnd += part
      this.#left -= part
      at += part
      if (this.#left === 0) this.#state = 'end of data'
    }
    return at
  }

  #readLine(bytes: Buffer, at: number, end: number): number {
    const text = bytes.toString('latin1', at, Math.min(end, at + longestLine))
    const feed = text.indexOf('\n')
    const line = this.#line + (feed < 0 ? text : text.slice(0, feed + 1))
    if (feed < 0) {
      if (line.length >= longestLine) this.fault = this.#tooLong()
      this.#line = line
      return at + text.length
    }
    this.#line = ''
    if (line.length > longestLine) this.fault = this.#tooLong()
    else if (!line.endsWith('\r\n')) this.fault = 'a line of a chunked body ends without CRLF'
    else this.#take(line.slice(0, -2))
    return at + feed + 1
  }

  #take(line: string): void {
    switch (this.#state) {
      case 'size': {
        const size = this.#rules.sizeLine.exec(line)?.[1]
        if (size === undefined) this.fault = 'a chunk size is malformed'
        this.#left = Number.parseInt(size ?? '0', 16)
        this.chunks += 1
        this.#state = this.#left === 0 ? 'trailers' : 'data'
        return
      }
      case 'end of data':
        if (line !== '') this.fault = 'a chunk is longer than its size'
        this.#state = 'size'
        return
      case 'trailers':
        this.#trailerBytes += line.length + 2
        if (line === '') this.#state = 'done'
        else if (this.#trailerBytes > mostTrailerBytes) this.fault = tooLongTrailers
        else this.#checkTrailer(line)
        return
      case 'data':
      case 'done':
    }
  }

  #tooLong(): string {
    return this.#state === 'trailers' ? tooLongTrailers : 'a line of a chunked body is too long'
  }

  #checkTrailer(line: string): void {
    const fields: Record<string, string | string[] | undefined> = Object.create(null)
    const fault = readField(line, fields)
    if (fault !== undefined || this.#rules.notInTrailers.some((name) => name in fields))
      this.fault = 'a trailer is malformed'
  }
}
