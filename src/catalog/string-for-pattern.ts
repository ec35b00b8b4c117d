type Lengths = { minLength: number; maxLength: number }

/** Tried first, so that an example looks like what it stands for; +990 is assigned to nobody. */
const familiar = [
  '+990123456789',
  'https://example.com/notifications',
  'user@example.com',
  '2024-05-17T09:30:00Z',
  '123e4567-e89b-42d3-a456-426614174000',
]

/**
 * A text that a regular expression accepts, or undefined when none was found. It knows literals, classes, groups,
 * alternatives and quantifiers; assertions and back-references are left to luck and to the check at the end.
 */
export function stringForPattern(pattern: string, lengths: Lengths): string | undefined {
  const accepts = acceptanceOf(pattern, lengths)
  if (accepts === undefined) return undefined
  const known = familiar.find(accepts)
  if (known !== undefined && pattern.length > 12) return known
  let empty: string | undefined
  // Quantifiers are repeated `extra` times more than they must be, until the text is long enough.
  for (const extra of [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512]) {
    const made = generate(pattern, extra)
    if (made === undefined || !accepts(made)) continue
    if (made !== '') return made
    empty = made
  }
  return known ?? empty
}

function acceptanceOf(pattern: string, lengths: Lengths) {
  try {
    const expression = new RegExp(pattern, 'u')
    return (text: string): boolean =>
      text.length >= lengths.minLength && text.length <= lengths.maxLength && expression.test(text)
  } catch {
    return undefined
  }
}

const longest = 10_000

class CannotGenerate extends Error {}

function generate(pattern: string, extra: number): string | undefined {
  try {
    const source = createSource(pattern)
    return alternatives(source, extra)
  } catch (error) {
    if (error instanceof CannotGenerate || error instanceof RangeError) return undefined
    throw error
  }
}

type Source = { text: string; at: number; made: number }

const createSource = (text: string): Source => ({ text, at: 0, made: 0 })

/** The first alternative that can be made; the others are read over. */
function alternatives(source: Source, extra: number): string {
  let chosen: string | undefined
  do {
    const one = sequence(source, extra)
    chosen ??= one
  } while (take(source, '|'))
  return chosen
}

function sequence(source: Source, extra: number): string {
  let text = ''
  while (source.at < source.text.length && !'|)'.includes(source.text[source.at] ?? '')) {
    const start = source.at
    const first = atom(source, extra, 0)
    const end = source.at
    const count = quantity(source, extra)
    const after = source.at
    if (count === 1) text += first
    else {
      for (let i = 0; i < count; i += 1) {
        source.at = start
        text += atom(source, extra, i)
        source.made += 1
        if (text.length > longest || source.made > longest) throw new CannotGenerate()
      }
    }
    source.at = Math.max(end, after)
  }
  return text
}

function take(source: Source, token: string): boolean {
  if (!source.text.startsWith(token, source.at)) return false
  source.at += token.length
  return true
}

function quantity(source: Source, extra: number): number {
  const rest = source.text.slice(source.at, source.at + 24)
  const match = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(rest)
  if (match === null) return 1
  source.at += match[0].length
  const [, symbol, least, range, most] = match
  const minimum = symbol === undefined ? Number(least) : symbol === '+' ? 1 : 0
  const maximum =
    symbol === '?'
      ? 1
      : symbol !== undefined || most === ''
        ? longest
        : Number(most ?? (range === undefined ? least : longest))
  if (minimum > longest) throw new CannotGenerate()
  return Math.min(maximum, minimum + extra)
}

function atom(source: Source, extra: number, turn: number): string {
  const char = source.text[source.at] ?? ''
  if (char === '^' || char === '$') {
    source.at += 1
    return ''
  }
  if (char === '(') return group(source, extra)
  if (char === '[') return member(classAt(source), turn)
  if (char === '\\') return escaped(source, turn)
  source.at += 1
  return char === '.' ? member('[\\w ]', turn) : char
}

function group(source: Source, extra: number): string {
  source.at += 1
  const assertion = /^\?(=|!|<=|<!)/.test(source.text.slice(source.at, source.at + 3))
  const prefix = /^\?(?::|=|!|<=|<!|<[^>]*>)/.exec(source.text.slice(source.at))
  source.at += prefix?.[0].length ?? 0
  const inner = alternatives(source, extra)
  if (!take(source, ')')) throw new CannotGenerate()
  return assertion ? '' : inner
}

function classAt(source: Source): string {
  const start = source.at
  source.at += 1
  while (source.at < source.text.length && source.text[source.at] !== ']')
    source.at += source.text[source.at] === '\\' ? 2 : 1
  source.at += 1
  return source.text.slice(start, source.at)
}

function escaped(source: Source, turn: number): string {
  const match =
    /^\\(?:u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[pP]\{[^}]*\}|[\s\S])/.exec(
      source.text.slice(source.at),
    )
  const token = match?.[0] ?? '\\'
  source.at += token.length
  if (/^\\[bB]$/.test(token)) return ''
  if (/^\\[1-9k]/.test(token)) throw new CannotGenerate()
  return member(token, turn)
}

const letters =
  '1234567890abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.:;,/+=@#$%&*()[]{}<>?!|~^\'"`\\ \n\t'
const foreign = 'éßñ日本語かなカナｶﾅабв'
const members = new Map<string, string[]>()

/** The `turn`-th character that a class or an escape accepts. */
function member(source: string, turn: number): string {
  let accepted = members.get(source)
  if (accepted === undefined) {
    const expression = tryCompile(source)
    accepted = [...letters, ...foreign].filter((letter) => expression?.test(letter) === true)
    if (members.size > 500) members.clear()
    members.set(source, accepted)
  }
  const letter = accepted[turn % Math.max(1, accepted.length)]
  if (letter === undefined) throw new CannotGenerate()
  return letter
}

function tryCompile(source: string): RegExp | undefined {
  try {
    return new RegExp(`^${source}$`, 'u')
  } catch {
    return undefined
  }
}
