import type { ApplicationCertificate } from './certificate-of-application.ts'

/** How a client may show at the authorization server who it is. */
export const authenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
] as const
export type AuthenticationMethod = (typeof authenticationMethods)[number]

export const grantTypes = [
  'authorization_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
  'client_credentials',
] as const
export type ClientGrantType = (typeof grantTypes)[number]

/**
 * The grant that an application uses for a purpose and these scopes. Without a purpose it is for requests that name
 * none. `*` is every scope of its subscriptions that no other grant of the same purpose lists.
 */
export type ClientGrant = {
  grantType: ClientGrantType
  /** `dpv:FraudPreventionAndDetection` */
  purpose?: string
  scopes: readonly string[] | '*'
}

export type SenderConstraint = 'none' | 'certificate' | 'dpop' | 'either'

/** What an application decided about its own sign-in, and what follows of it. */
export type ClientSettings = {
  /** compared character by character; only the port of a loopback address may be another (RFC 8252, section 7.3) */
  redirectUris: readonly string[]
  postLogoutRedirectUris?: readonly string[]
  jwksUri?: string
  authenticationMethods: readonly AuthenticationMethod[]
  grants: readonly ClientGrant[]
  refreshTokens: boolean
  profile: 'standard' | 'fapi2'
  senderConstraint: SenderConstraint
  requirePar: boolean
  requireSignedRequest: boolean
  certificates: readonly ApplicationCertificate[]
}

/** What is stored of settings: certificates are credentials. */
export type StoredSettings = Omit<ClientSettings, 'certificates'>

/** An application that set nothing: client credentials for every scope of its subscriptions. */
export const defaultClientSettings: ClientSettings = {
  redirectUris: [],
  authenticationMethods: [...authenticationMethods],
  grants: [{ grantType: 'client_credentials', scopes: '*' }],
  refreshTokens: false,
  profile: 'standard',
  senderConstraint: 'none',
  requirePar: false,
  requireSignedRequest: false,
  certificates: [],
}

/**
 * The one grant that a scope may be asked for with: the one that lists it, or the one for all others.
 * @returns undefined where the application has none for this purpose
 */
export function grantTypeFor(
  grants: readonly ClientGrant[],
  purpose: string | undefined,
  scope: string,
): ClientGrantType | undefined {
  const same = grants.filter((grant) => grant.purpose === purpose)
  const listing = same.find(({ scopes }) => scopes !== '*' && scopes.includes(scope))
  return (listing ?? same.find(({ scopes }) => scopes === '*'))?.grantType
}

/** What of these grants holds no more: tokens and grants that rest on it end. */
export function endedGrants(
  before: readonly ClientGrant[],
  after: readonly ClientGrant[],
): ClientGrant[] {
  return before.flatMap((grant) => {
    const { grantType, purpose } = grant
    const holds = (scope: string): boolean => grantTypeFor(after, purpose, scope) === grantType
    if (grant.scopes !== '*') {
      const scopes = grant.scopes.filter((scope) => !holds(scope))
      return scopes.length === 0 ? [] : [{ ...grant, scopes }]
    }
    const rest = after.some(
      (g) => g.purpose === purpose && g.scopes === '*' && g.grantType === grantType,
    )
    if (!rest) return [grant]
    const others = after.filter((g) => g.purpose === purpose && g.grantType !== grantType)
    const taken = others.flatMap(({ scopes }) => (scopes === '*' ? [] : scopes))
    const scopes = taken.filter((scope) => grantTypeFor(before, purpose, scope) === grantType)
    return scopes.length === 0 ? [] : [{ ...grant, scopes }]
  })
}
