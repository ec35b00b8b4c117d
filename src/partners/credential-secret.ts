import { createHash, randomBytes } from 'node:crypto'
import type { Environment } from '#platform/config'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const prefixes = { sandbox: 'wl_sbx_', production: 'wl_live_' } as const satisfies Record<
  Environment,
  string
>

export const clientIdPrefix = (environment: Environment): string => prefixes[environment]

/**
 * A client secret: environment prefix, 43 characters of 5.95 bits each, and a checksum by which scanners of public
 * places recognise a leaked one without asking us.
 */
export function newClientSecret(environment: Environment): string {
  const body = base62(43)
  const start = `${prefixes[environment]}sk_${body}`
  return `${start}${checksum(start)}`
}

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

function checksum(start: string): string {
  const digest = createHash('sha256').update(start).digest()
  return [...digest.subarray(0, 6)].map((byte) => alphabet[byte % 62]).join('')
}
