import type { Config } from '#platform/config'

/**
 * The two ways to authenticate by a certificate (RFC 8705, section 2).
 * @public
 */
export const certificateMethods = ['tls_client_auth', 'self_signed_tls_client_auth'] as const
/** @public */
export type CertificateMethod = (typeof certificateMethods)[number]

type Settings = Pick<Config, 'authorization' | 'clientCertificates'>

/**
 * Why nobody can authenticate so at the authorization servers, and what the operator has to set. The one place that says
 * it: discovery lists, settings accept and the portal offers what has no fault.
 * @public
 */
export function certificateMethodFault(
  { authorization, clientCertificates }: Settings,
  method: CertificateMethod,
): string | undefined {
  if (authorization.tls === undefined)
    return 'the authorization server takes no client certificates; for that, the operator sets WAYLEAVE_AUTHORIZATION_TLS_URL'
  if (method === 'tls_client_auth' && clientCertificates.caFile === undefined)
    return 'there is no certificate authority whose certificates are accepted by name; for that, the operator sets WAYLEAVE_CLIENT_CA_FILE'
  return undefined
}

/** @public */
export const takenCertificateMethods = (settings: Settings): CertificateMethod[] =>
  certificateMethods.filter((method) => certificateMethodFault(settings, method) === undefined)
