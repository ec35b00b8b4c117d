import { OAuthError, quoted } from '../oauth-error.ts'
import type { GrantPart } from './grant-part.ts'

export const clientCredentialsPart: GrantPart = {
  configuration: () => ({ features: { clientCredentials: { enabled: true } } }),
  metadata: () => ({ grant_types_supported: ['client_credentials'] }),
}

const invalidScope = (description: string): OAuthError =>
  new OAuthError(400, 'invalid_scope', description)

const purposePattern = /^dpv:[a-zA-Z0-9]+$/

/**
 * Which scopes a client credentials token carries: what was asked for, all of it or nothing, so that a token is never
 * less than its client believes. At most one purpose (`dpv:Name`) may stand among them; it is no permission, it says
 * what the others are used for.
 * @throws invalid_scope, naming what is wrong
 * @public
 */
export function grantClientCredentialsScope(
  requested: string | undefined,
  subscribed: readonly string[],
): string[] {
  const scopes = [...new Set((requested ?? '').split(' ').filter((scope) => scope !== ''))]
  if (scopes.length === 0) throw invalidScope(`scope is required; ${offer(subscribed)}`)
  const purposes = scopes.filter((scope) => scope.startsWith('dpv:'))
  const combined = purposes.find((purpose) => purpose.includes('#'))
  if (combined !== undefined)
    throw invalidScope(
      `${quoted(combined)}: the form purpose#scope is obsolete; send the purpose and the scope as two values`,
    )
  const malformed = purposes.find((purpose) => !purposePattern.test(purpose))
  if (malformed !== undefined)
    throw invalidScope(`${quoted(malformed)} is not a purpose of the form dpv:Name`)
  if (purposes.length > 1) throw invalidScope('at most one purpose (dpv:...) may be given')
  const known = new Set(subscribed)
  const unknown = scopes.filter((scope) => !scope.startsWith('dpv:') && !known.has(scope))
  if (unknown.length > 0)
    throw invalidScope(
      `this application has no live subscription with the scope ${unknown.slice(0, 5).map(quoted).join(', ')}; ${offer(subscribed)}`,
    )
  if (purposes.length === scopes.length)
    throw invalidScope(`a purpose alone permits nothing; ${offer(subscribed)}`)
  return scopes
}

function offer(subscribed: readonly string[]): string {
  if (subscribed.length === 0) return 'it has no live subscription yet'
  const some = [...subscribed].sort().slice(0, 8).join(' ')
  return `it may ask for: ${some}${subscribed.length > 8 ? ' and more' : ''}`
}
