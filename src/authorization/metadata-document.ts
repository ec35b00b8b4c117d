import { proofAlgs } from './proof-algs.ts'
import { assertionAlgs } from './signed-jwt.ts'

export const clientAuthenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const

type Members = Readonly<Record<string, unknown>>

/**
 * The discovery document (RFC 8414). It is made here and not by oidc-provider, whose own lists what every grant would
 * need and follows the Host header: each part that is on adds its members, and a list is joined with those of the others.
 */
export function metadataDocument(
  issuer: string,
  parts: readonly { metadata?: (issuer: string) => Members }[],
): Record<string, unknown> {
  const document: Record<string, unknown> = {
    issuer,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    grant_types_supported: [],
    // Required by the RFC, and empty without an authorization endpoint.
    response_types_supported: [],
    token_endpoint_auth_methods_supported: clientAuthenticationMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgs,
    dpop_signing_alg_values_supported: proofAlgs,
  }
  for (const part of parts) {
    for (const [name, value] of Object.entries(part.metadata?.(issuer) ?? {})) {
      const before = document[name]
      document[name] =
        Array.isArray(before) && Array.isArray(value) ? [...new Set([...before, ...value])] : value
    }
  }
  return document
}
