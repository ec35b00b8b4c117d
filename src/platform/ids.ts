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
  event: 'evt',
  exchange: 'exc',
  message: 'msg',
  gateway: 'gtw',
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

/**
 * `length` characters of `[0-9a-z]`, uniformly drawn (5.17 bits each).
 * @public
 */
export function randomText(length: number, randomBytes = nodeRandomBytes): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 252 is the largest multiple of 36 below 256: the rest would favour the first letters.
      if (byte < 252 && text.length < length) text += alphabet[byte % 36]
    }
  }
  return text
}

/**
 * @example const newId = createIds(systemClock); newId('partner') // 'prt_0mf3k2x9ab7c1d5e9f2g'
 * @public
 */
export function createIds(clock: { now(): Date }, randomBytes = nodeRandomBytes): NewId {
  return (kind) =>
    `${prefixes[kind]}_${clock.now().getTime().toString(36).padStart(9, '0')}${randomText(11, randomBytes)}`
}

/**
 * The pattern of an identifier of this kind, for wire schemas.
 * @public
 */
export const idPattern = (kind: IdKind): string => `^${prefixes[kind]}_[0-9a-z]{20}$`
