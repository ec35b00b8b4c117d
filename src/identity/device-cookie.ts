import type { Config } from '#platform/config'
import { type Sealing, sameSecret } from '#platform/sealing'
import { newSecret } from './secrets.ts'

/**
 * Marks a browser that somebody has signed in with. It gives nothing but a count of wrong guesses of its own: whoever
 * makes the count of strangers full keeps out strangers only (OWASP, "Slow Down Online Guessing Attacks with Device
 * Cookies"). It names the person and is bound to it, so that somebody who only claims an address is found among all who do,
 * and it says nothing about any other account.
 */
export interface DeviceCookie {
  /** @returns what the guesses of this device are counted by, if the person has signed in with it before */
  read(header: string | undefined, personId: string | undefined): string | undefined
  /** @returns who signed in last with this browser, which it says of itself and proves */
  personOf(header: string | undefined): string | undefined
  set(personId: string): string
}

const lifetimeSeconds = 180 * 24 * 3_600

const inCookie = (personId: string): string => Buffer.from(personId).toString('base64url')

export function createDeviceCookie(
  portalUrl: Config['portal']['url'],
  sealing: Sealing,
): DeviceCookie {
  const { protocol, port } = new URL(portalUrl)
  const secure = protocol === 'https:'
  const name = secure ? '__Host-wayleave_device' : `wayleave_device${port === '' ? '' : `_${port}`}`
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  /** A mark of the first releases names no person. */
  const markIn = (header: string | undefined) => {
    for (const pair of header?.split(';') ?? []) {
      const at = pair.indexOf('=')
      if (at < 0 || pair.slice(0, at).trim() !== name) continue
      const value = pair.slice(at + 1).trim()
      const [nonce, proof, id, ...more] = value.split('.')
      if (nonce === undefined || proof === undefined || more.length > 0) return undefined
      if (id === undefined) return { nonce, proof, personId: undefined }
      const personId = Buffer.from(id, 'base64url').toString()
      // One spelling for one person: decoders take characters that are none.
      return inCookie(personId) === id ? { nonce, proof, personId } : undefined
    }
    return undefined
  }
  const proofOf = (personId: string, nonce: string): string =>
    sealing.keyedHash('device', `${personId} ${nonce}`)
  return {
    read(header, personId) {
      const mark = markIn(header)
      if (mark === undefined) return undefined
      const { nonce, proof, personId: named = personId } = mark
      // The same work for an address without an account.
      const isOurs = sameSecret(proof, proofOf(personId ?? '', nonce))
      return isOurs && personId !== undefined && named === personId ? nonce : undefined
    },
    personOf(header) {
      const mark = markIn(header)
      if (mark?.personId === undefined) return undefined
      const { nonce, proof, personId } = mark
      return sameSecret(proof, proofOf(personId, nonce)) ? personId : undefined
    },
    set(personId) {
      const nonce = newSecret()
      const value = [nonce, proofOf(personId, nonce), inCookie(personId)].join('.')
      return `${name}=${value}; ${attributes}; Max-Age=${lifetimeSeconds}`
    },
  }
}
