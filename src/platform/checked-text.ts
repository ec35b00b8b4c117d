import { hash, randomBytes } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const checksumLength = 6

/**
 * A secret that can be recognised without a look-up: a prefix that tells its kind, `length` random characters of 5.95
 * bits each, and six characters of checksum. Scanners of public places find a leaked one by prefix and checksum, and a
 * mistyped one is refused before anything is asked.
 * @public
 */
export function newCheckedText(prefix: string, length: number): string {
  const start = `${prefix}${base62(length)}`
  return `${start}${checksumOf(start)}`
}

/**
 * Whether the last six characters are the checksum of the rest. It says nothing about whether the secret exists.
 * @public
 */
export const isCheckedText = (text: string): boolean =>
  text.length > checksumLength &&
  checksumOf(text.slice(0, -checksumLength)) === text.slice(-checksumLength)

function base62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // 248 is the largest multiple of 62 below 256.
      if (byte < 248 && text.length < length) text += alphabet[byte % 62]
    }
  }
  return text
}

function checksumOf(start: string): string {
  const digest = hash('sha256', start, 'buffer')
  let text = ''
  for (let i = 0; i < checksumLength; i += 1) text += alphabet[(digest[i] ?? 0) % 62]
  return text
}
