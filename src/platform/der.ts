/**
 * Reads DER (ITU-T X.690) from untrusted bytes: definite lengths in their shortest form only, nothing beyond the end.
 * Just enough to find the parts of certificates and revocation lists that Node does not tell.
 */

/** @public */
export class DerFault extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DerFault'
  }
}

/**
 * One element; `start` is where its tag is, `body` where its content begins.
 * @public
 */
export type DerElement = { tag: number; start: number; body: number; end: number }

/** @public */
export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const

/**
 * Walks the elements of a range, one after the other.
 * @public
 */
export class DerReader {
  readonly bytes: Buffer
  #at: number
  readonly #end: number

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.bytes = bytes
    this.#at = start
    this.#end = end
  }

  get done(): boolean {
    return this.#at === this.#end
  }

  /** The tag of the next element; undefined at the end. */
  peek(): number | undefined {
    return this.done ? undefined : this.bytes[this.#at]
  }

  next(tag?: number): DerElement {
    const start = this.#at
    const found = this.#byte(start)
    if ((found & 0x1f) === 0x1f) throw new DerFault('a tag of several bytes is not expected')
    if (tag !== undefined && found !== tag)
      throw new DerFault('another kind of element is expected')
    let body = start + 2
    let length = this.#byte(start + 1)
    if (length >= 0x80) {
      const count = length & 0x7f
      if (count === 0 || count > 4) throw new DerFault('the length of an element is not DER')
      length = 0
      for (let i = 0; i < count; i += 1) length = length * 256 + this.#byte(body + i)
      if (length < 0x80 || this.#byte(body) === 0)
        throw new DerFault('a length is not in its shortest form')
      body += count
    }
    const end = body + length
    if (end > this.#end) throw new DerFault('an element goes beyond the end')
    this.#at = end
    return { tag: found, start, body, end }
  }

  /** The next element, if it has this tag. */
  optional(tag: number): DerElement | undefined {
    return this.peek() === tag ? this.next(tag) : undefined
  }

  /** Into an element. */
  inside(element: DerElement): DerReader {
    return new DerReader(this.bytes, element.body, element.end)
  }

  /** Its content. */
  content(element: DerElement): Buffer {
    return this.bytes.subarray(element.body, element.end)
  }

  /** All of it, tag and length included. */
  whole(element: DerElement): Buffer {
    return this.bytes.subarray(element.start, element.end)
  }

  /** @throws when something follows */
  finish(): void {
    if (!this.done) throw new DerFault('something follows the last element')
  }

  #byte(at: number): number {
    const byte = at < this.#end ? this.bytes[at] : undefined
    if (byte === undefined) throw new DerFault('an element is cut off')
    return byte
  }
}

/**
 * The dotted form of an object identifier's content.
 * @public
 */
export function oidText(content: Buffer): string {
  const last = content.at(-1)
  if (last === undefined || last >= 0x80) throw new DerFault('an object identifier is cut off')
  const arcs: number[] = []
  let arc = 0
  for (const byte of content) {
    arc = arc * 128 + (byte & 0x7f)
    if (arc > Number.MAX_SAFE_INTEGER / 128) throw new DerFault('an object identifier is too large')
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [first = 0, ...rest] = arcs
  const root = Math.min(2, Math.floor(first / 40))
  return [root, first - root * 40, ...rest].join('.')
}

/**
 * Milliseconds since 1970 of a UTCTime or GeneralizedTime, as RFC 5280 section 4.1.2.5 restricts them.
 * @public
 */
export function derTime(reader: DerReader, element: DerElement): number {
  const text = reader.content(element).toString('latin1')
  const utc = element.tag === derTags.utcTime
  if (!utc && element.tag !== derTags.generalizedTime) throw new DerFault('a time is expected')
  const match = (
    utc
      ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
      : /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
  ).exec(text)
  if (match === null) throw new DerFault('a time is not as RFC 5280 wants it')
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1)
    .map(Number)
  const full = utc ? (year < 50 ? 2000 + year : 1900 + year) : year
  return Date.UTC(full, month - 1, day, hour, minute, second)
}
