import { randomBytes as nodeRandomBytes } from 'node:crypto'

/** Every prefix of the platform's public identifiers. */
const prefixes = {
  partner: 'prt',
  member: 'mem',
  staff: 'stf',
  application: 'app',
  credential: 'crd',
  contract: 'ctr',
  subscription: 'sub',
  agreement: 'agr',
  plan: 'pln',
  price: 'prc',
  token: 'tok',
  session: 'ses',
  passkey: 'pky',
  event: 'evt',
  exchange: 'exc',
  message: 'msg',
  gateway: 'gtw',
  consent: 'cns',
  grant: 'gnt',
  capture: 'cap',
  erasure: 'era',
} as const

/** @public */
export type IdKind = keyof typeof prefixes

/**
 * A prefixed identifier: `prt_` and 20 characters of `[0-9a-z]`, the first nine ordered by time.
 * @public
 */
export type Id<K extends IdKind = IdKind> = `${(typeof prefixes)[K]}_${string}`

/** @public */
export type NewId = <K extends IdKind>(kind: K) => Id<K>

const alphabet = '0123456789abcdefghijklmnopqrstuvwxyz'
/** 252 is the largest multiple of 36 below 256: the rest would favour the first letters. */
const unbiased = 252
const letters = Buffer.from(alphabet.repeat(unbiased / 36), 'latin1')
const randomLength = 11
/** Random characters are drawn for this many identifiers at a time: one alone would be mostly the cost of asking. */
const drawnAtOnce = 400

/**
 * `length` characters of `[0-9a-z]`, uniformly drawn (5.17 bits each).
 * @public
 */
export function randomText(length: number, randomBytes = nodeRandomBytes): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < unbiased && text.length < length) text += alphabet[byte % 36]
    }
  }
  return text
}

/**
 * @example const newId = createIds(systemClock); newId('partner') // 'prt_0mf3k2x9ab7c1d5e9f2g'
 * @public
 */
export function createIds(clock: { now(): Date }, randomBytes = nodeRandomBytes): NewId {
  let drawn = ''
  let used = 0
  let timeMs = Number.NaN
  let time = ''
  return (kind) => {
    const nowMs = clock.now().getTime()
    if (nowMs !== timeMs) {
      timeMs = nowMs
      time = nowMs.toString(36).padStart(9, '0')
    }
    if (used + randomLength > drawn.length) {
      drawn = drawText(randomBytes(drawnAtOnce * randomLength))
      used = 0
    }
    used += randomLength
    return `${prefixes[kind]}_${time}${drawn.slice(used - randomLength, used)}`
  }
}

/** One character for each byte that favours none: fewer than bytes. */
function drawText(bytes: Buffer): string {
  let length = 0
  for (const byte of bytes)
    if (byte < unbiased) {
      bytes[length] = letters[byte] ?? 0
      length += 1
    }
  return bytes.toString('latin1', 0, length)
}

/**
 * The pattern of an identifier of this kind, for wire schemas.
 * @public
 */
export const idPattern = (kind: IdKind): string => `^${prefixes[kind]}_[0-9a-z]{20}$`
