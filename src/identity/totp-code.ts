import { Secret, TOTP } from 'otpauth'
import { encode } from 'uqr'

/** What every authenticator app understands (RFC 6238): SHA-1, six digits, 30 seconds. */
const stepSeconds = 30
/** A code is good for one step before and after its own: clocks differ, and typing takes time (section 6). */
const window = 1

const totpOf = (secret: string, of: { issuer?: string; label?: string } = {}): TOTP =>
  new TOTP({ ...of, secret: Secret.fromBase32(secret), digits: 6, period: stepSeconds })

/** 160 bits in base32, as RFC 4226 recommends. */
export const newTotpSecret = (): string => new Secret({ size: 20 }).base32

/** @returns the 30 seconds that the code belongs to, counted from 1970 */
export function stepOfCode(secret: string, code: string, now: Date): number | undefined {
  const timestamp = now.getTime()
  const delta = totpOf(secret).validate({ token: code, timestamp, window })
  return delta === null ? undefined : Math.floor(timestamp / 1_000 / stepSeconds) + delta
}

/** What an app reads, as an address and as the squares of a QR code: one SVG path in a square of `size`. */
export function totpCard(
  secret: string,
  of: { issuer: string; label: string },
): { uri: string; qr: { size: number; path: string } } {
  const uri = totpOf(secret, of).toString()
  const { data, size } = encode(uri, { ecc: 'M', border: 2 })
  const path = data
    .flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])))
    .join('')
  return { uri, qr: { size, path } }
}
