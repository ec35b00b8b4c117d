import { createHash, randomBytes } from 'node:crypto'

/** 256 bits for a cookie or a link. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const tokenPrefix = 'wl_tok_'
const tokenFormat = /^wl_tok_[0-9A-Za-z]{49}$/

/** An API token: prefix, 43 characters of 5.95 bits each, and a checksum by which scanners recognise a leaked one. */
export function newApiToken(): string {
  const start = `${tokenPrefix}${base62(43)}`
  return `${start}${checksum(start)}`
}

/** Whether a text can be one of our tokens at all: what cannot is refused without asking the database. */
export const looksLikeApiToken = (text: string): boolean =>
  tokenFormat.test(text) && checksum(text.slice(0, -6)) === text.slice(-6)

function base62(length: number): string {
  let text = ''
  while (text.length < length) {
    for (const byte of randomBytes(length * 2)) {
      // 248 is the largest multiple of 62 below 256: the rest would favour the first letters.
      if (byte < 248 && text.length < length) text += alphabet[byte % 62]
    }
  }
  return text
}

const checksum = (start: string): string =>
  [...createHash('sha256').update(start).digest().subarray(0, 6)]
    .map((byte) => alphabet[byte % 62])
    .join('')
