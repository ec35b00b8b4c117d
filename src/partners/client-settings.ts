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
