import type { Sealing } from './sealing.ts'

const mark = 'hashed:'
const hashed = /^hashed:[\w-]{43}$/
const uuid =
  /(?<![A-Za-z0-9])([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)([0-9a-f]{12})(?![A-Za-z0-9])/gi
const hexadecimal = /(?<![A-Za-z0-9])(?:0x)?[0-9a-f]{16,}(?![A-Za-z0-9])/gi
/** E.164 numbers have seven digits or more, however they are grouped */
const number = /\d(?:[-_:;./<>{}]*\d){6}/
/** the usual correlator: a UUID that is one at a glance, because its last part is no number */
const plainUuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-(?=\d*[a-f])[0-9a-f]{12}$/i
const credential = /wl_(?:live|sbx)_|eyJ[\w-]{8}/

/**
 * Whether a correlator may name a person or open a door: seven digits or more, whatever stands between them, a token or a
 * key. UUIDs and hexadecimal ids are random by their nature and have digits enough.
 * @public
 */
export function mayTell(correlator: string): boolean {
  // Asked for every call: one look for nearly all of them.
  if (plainUuid.test(correlator)) return false
  if (credential.test(correlator)) return true
  if (!number.test(correlator)) return false
  const rest = correlator
    .replaceAll(uuid, (whole, head: string, node: string) =>
      // A number may have been filled up to the shape of a UUID; a random one is hardly ever without letters.
      /[a-f]/i.test(node) || lettersIn(head) >= 3 ? '~' : whole,
    )
    .replaceAll(hexadecimal, (whole) =>
      lettersIn(whole) >= 3 && !/\d{12}/.test(whole) ? '~' : whole,
    )
  return number.test(rest)
}

const lettersIn = (text: string): number => text.match(/[a-f]/gi)?.length ?? 0

/**
 * A correlator as it may be written down: itself, or a keyed hash in its place.
 * @param sealing the keys of the environment's gateways
 * @public
 */
export const recordedCorrelator = (
  correlator: string,
  sealing: Pick<Sealing, 'keyedHash'>,
): string =>
  mayTell(correlator) || correlator.startsWith(mark)
    ? mark + sealing.keyedHash('correlator', correlator)
    : correlator

/**
 * What a correlator that somebody asks for may have been written down as: what they read in a record, or what was sent.
 * @param sealings of every environment that is looked through
 * @public
 */
export const recordedAs = (
  correlator: string,
  sealings: readonly Pick<Sealing, 'keyedHash'>[],
): string[] => [
  ...new Set([correlator, ...sealings.map((keys) => recordedCorrelator(correlator, keys))]),
]

/**
 * Whether this is what `recordedCorrelator` writes.
 * @public
 */
export const isRecordedHash = (text: string): boolean => hashed.test(text)

/**
 * A correlator for the log of a process that keeps no records by it.
 * @public
 */
export const loggableCorrelator = (correlator: string): string =>
  mayTell(correlator) && !isRecordedHash(correlator) ? '[digits]' : correlator
