/**
 * A token (RFC 9110 section 5.6.2).
 * @public
 */
export const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/**
 * What no field value may have: control characters besides the tab, in latin1.
 * @public
 */
export const notInValues = /[^\t\x20-\x7e\x80-\xff]/

const mostKnown = 500
const longestKnown = 64

/**
 * Names of fields in lower case. There are few, each in one spelling or two, so that most are found and not made again.
 * @public
 */
export class FieldNames {
  #known = new Map<string, string>()

  /** @returns undefined for what is no name */
  of(written: string): string | undefined {
    return this.#known.get(written) ?? this.#read(written)
  }

  #read(written: string): string | undefined {
    if (!token.test(written)) return undefined
    const own = ownText(written)
    const name = own.toLowerCase()
    if (this.#known.size >= mostKnown) this.#known.clear()
    if (written.length <= longestKnown) this.#known.set(own, name)
    return name
  }
}

/**
 * A string of its own: a part of another one would keep all of that alive, with whatever secrets are in it.
 * @public
 */
export const ownText = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

/**
 * A part of a text without the spaces and tabs around it.
 * @public
 */
export function withoutSpace(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isSpace(text.charCodeAt(start))) start += 1
  while (end > start && isSpace(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x09

const mostKnownLines = 1_000

/** A name that is well-formed, how it is compared, and the last line that was made of it: most are the same again. */
type KnownLine = { name: string; value: string | undefined; line: string }

/**
 * Writes field lines. Whatever a policy was given, nothing in it can end a line or add one.
 * @public
 */
export class FieldLines {
  #refused: ReadonlySet<string>
  #known = new Map<string, KnownLine>()

  /** @param refused names in lower case that are not for those who ask: what describes the connection */
  constructor(refused: ReadonlySet<string>) {
    this.#refused = refused
  }

  /**
   * @returns the line, with its end, and the name in lower case
   * @throws when it cannot be sent
   */
  of(name: string, value: string): Readonly<KnownLine> {
    const known = this.#known.get(name) ?? this.#checked(name)
    if (known.value !== value) {
      if (notInValues.test(value)) throw new TypeError(`the value of ${known.name} cannot be sent`)
      known.value = value
      known.line = `${name}: ${value}\r\n`
    }
    return known
  }

  /** Names come from published documents, from upstreams and from the gateway itself, so they are few. */
  #checked(name: string): KnownLine {
    const known = { name: name.toLowerCase(), value: undefined, line: '' }
    if (!token.test(name) || this.#refused.has(known.name))
      throw new TypeError('a field of this name cannot be sent')
    if (this.#known.size >= mostKnownLines) this.#known.clear()
    this.#known.set(name, known)
    return known
  }
}
