import type { SecondFactorNeeded, SsoBeginning } from '#identity/schema'
import { manage } from './management.ts'

/** Sends the browser to the identity provider that answers for the domain of an address. */
export async function signInWithSso(email: string, returnTo?: string): Promise<void> {
  const { url } = await manage<SsoBeginning>('POST', '/session/sso', {
    email,
    ...(returnTo === undefined ? {} : { returnTo }),
  })
  location.assign(url)
}

/** The page that somebody wanted to see before signing in; the server takes no other form. */
export function returnOf(search: string): string | undefined {
  const target = new URLSearchParams(search).get('return')
  return target !== null && /^\/(?![/\\])[\x21-\x7e]{0,499}$/.test(target) ? target : undefined
}

const sentences: Record<string, string> = {
  expired: 'This sign-in took too long, or was used already. Begin again.',
  provider:
    'Your identity provider answered in a way that is not accepted. Whoever set single sign-on up sees the reason on its page.',
  refused: 'Your identity provider did not sign you in.',
  address:
    'Your identity provider did not tell a verified address of a domain that your organisation has proved.',
  taken:
    'This account belongs to somebody else here. Ask an owner of your organisation, or the operator.',
  'no-role':
    'Your organisation has no role for you here. Ask to be invited, or for a group that has one.',
}

/** What a failed single sign-on left in the address. */
export function ssoFaultOf(search: string): string | undefined {
  const fault = new URLSearchParams(search).get('sso')
  return fault === null ? undefined : (sentences[fault] ?? 'Single sign-on did not work.')
}

const known = ['passkey', 'totp', 'recovery-code'] as const

/** A sign-in that an identity provider began and a second factor completes: it comes behind "#". */
export function neededOf(hash: string): SecondFactorNeeded | undefined {
  const behind = new URLSearchParams(hash.replace(/^#/, ''))
  const ticket = behind.get('ticket')
  const expiresAt = behind.get('expiresAt')
  if (ticket === null || expiresAt === null) return undefined
  const given = (behind.get('methods') ?? '').split(' ')
  return { ticket, expiresAt, methods: known.filter((method) => given.includes(method)) }
}
