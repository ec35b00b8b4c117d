import { proofAlgs } from './proof-algs.ts'
import { assertionAlgs } from './signed-jwt.ts'

export const clientAuthenticationMethods = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
] as const

type Members = Readonly<Record<string, unknown>>
type CertificatesTaken = { url: string; methods: readonly string[] }

/**
 * The discovery document (RFC 8414). It is made here and not by oidc-provider, whose own lists what every grant would
 * need and follows the Host header: each part that is on adds its members, and a list is joined with those of the others.
 * @param certificates where and for which methods certificates are taken, when they are
 */
export function metadataDocument(
  issuer: string,
  parts: readonly { metadata?: (issuer: string) => Members }[],
  certificates?: CertificatesTaken,
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
  return certificates === undefined ? document : withCertificates(document, certificates)
}

const clientEndpoints =
  /^(token|introspection|revocation|pushed_authorization_request|backchannel_authentication)_endpoint$/

/** What certificates add (RFC 8705): methods wherever a client authenticates, and where to show them (section 5). */
function withCertificates(
  document: Members,
  { url, methods }: CertificatesTaken,
): Record<string, unknown> {
  const { issuer } = document
  const added = Object.entries(document).map(([name, value]) =>
    name.endsWith('_endpoint_auth_methods_supported') && Array.isArray(value)
      ? [name, [...value, ...methods]]
      : [name, value],
  )
  const aliases = Object.entries(document)
    .filter(([name]) => clientEndpoints.test(name))
    .map(([name, value]) => [name, `${url}${String(value).slice(String(issuer).length)}`])
  return {
    ...Object.fromEntries(added),
    tls_client_certificate_bound_access_tokens: true,
    mtls_endpoint_aliases: Object.fromEntries(aliases),
  }
}
