import type { Config } from '#platform/config'
import { sessionLifetimeMs } from './session-store.ts'

/** How the browser keeps a secret: never readable by script, never sent along by another site's forms. */
export interface SecretCookie {
  name: string
  read(header: string | undefined): string | undefined
  set(secret: string): string
  clear(): string
}

export type SessionCookie = SecretCookie

export const createSessionCookie = (portalUrl: Config['portal']['url']): SessionCookie =>
  createSecretCookie(portalUrl, 'session', sessionLifetimeMs / 1_000)

/** Of a browser that is sent to an identity provider, so that no other comes back in its place. */
export const createVisitCookie = (portalUrl: Config['portal']['url']): SecretCookie =>
  createSecretCookie(portalUrl, 'visit', 600)

function createSecretCookie(
  portalUrl: Config['portal']['url'],
  what: string,
  maxAgeSeconds: number,
): SecretCookie {
  const { protocol, port } = new URL(portalUrl)
  const secure = protocol === 'https:'
  // A browser shares cookies between the ports of a host, and two local installations must not sign each other out.
  const name = secure
    ? `__Host-wayleave_${what}`
    : `wayleave_${what}${port === '' ? '' : `_${port}`}`
  const attributes = `Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`
  return {
    name,
    read(header) {
      for (const pair of header?.split(';') ?? []) {
        const at = pair.indexOf('=')
        if (at < 0 || pair.slice(0, at).trim() !== name) continue
        const value = pair.slice(at + 1).trim()
        return /^[\w-]{43}$/.test(value) ? value : undefined
      }
      return undefined
    },
    set: (secret) => `${name}=${secret}; ${attributes}; Max-Age=${maxAgeSeconds}`,
    clear: () => `${name}=; ${attributes}; Max-Age=0`,
  }
}
