import { assertionAlgs } from './check-client-assertion.ts'

export const clientAuthenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const

/**
 * The discovery document (RFC 8414). It is made here and not by oidc-provider, whose own lists what every grant would
 * need and follows the Host header; a grant that is added later adds its members.
 */
export function metadataDocument(issuer: string): Record<string, unknown> {
  return {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    grant_types_supported: ['client_credentials'],
    // Required by the RFC, and empty while there is no authorization endpoint.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: clientAuthenticationMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgs,
  }
}
