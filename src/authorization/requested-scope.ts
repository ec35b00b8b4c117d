import { OAuthError, quoted } from './oauth-error.ts'

/** The scopes of a request on behalf of a subscriber, taken apart. */
export type RequestedScope = {
  /** `dpv:FraudPreventionAndDetection` */
  purpose: string
  /** of APIs, at least one */
  scopes: readonly string[]
  openid: boolean
  offline: boolean
}

/**
 * Those of the protocol, which stand apart from the scopes that a token carries: they open no API.
 */
export const protocolScopes = ({ openid, offline }: RequestedScope): string[] => [
  ...(openid ? ['openid'] : []),
  ...(offline ? ['offline_access'] : []),
]

const invalidScope = (description: string): OAuthError =>
  new OAuthError(400, 'invalid_scope', description)

const purposePattern = /^dpv:[a-zA-Z0-9]{1,100}$/

/**
 * Exactly one purpose and at least one scope of an API (CAMARA security profile); all subscribed, or the request is
 * refused whole.
 * @throws invalid_scope, naming what is wrong
 */
export function readRequestedScope(
  requested: string | undefined,
  subscribed: readonly string[],
): RequestedScope {
  const all = [...new Set((requested ?? '').split(' ').filter((scope) => scope !== ''))]
  if (all.length === 0)
    throw invalidScope('scope is required: one purpose (dpv:Name) and scopes of APIs')
  const combined = all.find((scope) => scope.startsWith('dpv:') && scope.includes('#'))
  if (combined !== undefined) {
    const [purpose = '', scope = ''] = combined.split('#', 2)
    throw invalidScope(
      `${quoted(combined)}: the form purpose#scope is obsolete; send the purpose and the scope as two values: ${quoted(`${purpose} ${scope}`)}`,
    )
  }
  const purposes = all.filter((scope) => scope.startsWith('dpv:'))
  const malformed = purposes.find((purpose) => !purposePattern.test(purpose))
  if (malformed !== undefined)
    throw invalidScope(`${quoted(malformed)} is not a purpose of the form dpv:Name`)
  const [purpose, second] = purposes
  if (purpose === undefined)
    throw invalidScope(
      'the purpose is missing: add exactly one, such as dpv:FraudPreventionAndDetection',
    )
  if (second !== undefined) throw invalidScope('exactly one purpose (dpv:...) may be given')
  const scopes = all.filter(
    (scope) => !scope.startsWith('dpv:') && scope !== 'openid' && scope !== 'offline_access',
  )
  if (scopes.length === 0) throw invalidScope('a purpose alone permits nothing: add scopes of APIs')
  const unknown = scopes.filter((scope) => !subscribed.includes(scope))
  if (unknown.length > 0)
    throw invalidScope(
      `this application has no live subscription with the scope ${unknown.slice(0, 5).map(quoted).join(', ')}`,
    )
  return {
    purpose,
    scopes,
    openid: all.includes('openid'),
    offline: all.includes('offline_access'),
  }
}
