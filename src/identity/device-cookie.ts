import type { Config } from '#platform/config'
import { type Sealing, sameSecret } from '#platform/sealing'
import { newSecret } from './secrets.ts'

/**
 * Marks a browser that somebody has signed in with. It gives nothing but a count of wrong guesses of its own: whoever
 * makes the count of strangers full keeps out strangers only (OWASP, "Slow Down Online Guessing Attacks with Device
 * Cookies"). It is bound to the person, so it says nothing about any other account.
 */
export interface DeviceCookie {
  /** @returns what the guesses of this device are counted by, if the person has signed in with it before */
  read(header: string | undefined, personId: string | undefined): string | undefined
  set(personId: string): string
}

const lifetimeSeconds = 180 * 24 * 3_600
const nonceLength = 43

export function createDeviceCookie(
  portalUrl: Config['portal']['url'],
  sealing: Sealing,
): DeviceCookie {
  const { protocol, port } = new URL(portalUrl)
  const secure = protocol === 'https:'
  const name = secure ? '__Host-wayleave_device' : `wayleave_device${port === '' ? '' : `_${port}`}`
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  const proofOf = (personId: string, nonce: string): string =>
    sealing.keyedHash('device', `${personId} ${nonce}`)
  return {
    read(header, personId) {
      for (const pair of header?.split(';') ?? []) {
        const at = pair.indexOf('=')
        if (at < 0 || pair.slice(0, at).trim() !== name) continue
        const value = pair.slice(at + 1).trim()
        const nonce = value.slice(0, nonceLength)
        const proof = value.slice(nonceLength + 1)
        // The same work for an address without an account.
        const isOurs = sameSecret(proof, proofOf(personId ?? '', nonce))
        return isOurs && personId !== undefined ? nonce : undefined
      }
      return undefined
    },
    set(personId) {
      const nonce = newSecret()
      return `${name}=${nonce}.${proofOf(personId, nonce)}; ${attributes}; Max-Age=${lifetimeSeconds}`
    },
  }
}
