import type { Client } from './client-source.ts'
import { OAuthError, quoted } from './oauth-error.ts'

type Grants = Client['settings']['grants']
export type ClientGrantType = Grants[number]['grantType']

const names: Readonly<Record<ClientGrantType, string>> = {
  authorization_code: 'the authorization code grant',
  client_credentials: 'client credentials',
  'urn:openid:params:grant-type:ciba': 'CIBA',
  'urn:ietf:params:oauth:grant-type:jwt-bearer': 'the JWT bearer grant',
}

/** The grant that an application ordered for a scope and purpose: exactly one, or none. */
export function orderedGrant(
  grants: Grants,
  purpose: string | undefined,
  scope: string,
): ClientGrantType | undefined {
  const same = grants.filter((grant) => grant.purpose === purpose)
  const found =
    same.find(({ scopes }) => scopes !== '*' && scopes.includes(scope)) ??
    same.find(({ scopes }) => scopes === '*')
  if (found !== undefined || purpose === undefined) return found?.grantType
  // Two-legged requests may say what they are for without having ordered each purpose.
  const general = orderedGrant(grants, undefined, scope)
  return general === 'client_credentials' ? general : undefined
}

/**
 * The grant used is fixed per application, purpose and scope when it is ordered (CAMARA security profile).
 * @throws unauthorized_client, saying which grant it is
 */
export function requireOrderedGrant(
  { settings }: Pick<Client, 'settings'>,
  grantType: ClientGrantType,
  purpose: string | undefined,
  scopes: readonly string[],
): void {
  for (const scope of scopes) {
    const ordered = orderedGrant(settings.grants, purpose, scope)
    if (ordered === grantType) continue
    const what = `${quoted(scope)}${purpose === undefined ? '' : ` for ${purpose}`}`
    throw new OAuthError(
      400,
      'unauthorized_client',
      ordered === undefined
        ? `this application has no grant for ${what}: add one to its settings`
        : `this application uses ${names[ordered]} for ${what}, not ${names[grantType]}`,
    )
  }
}
