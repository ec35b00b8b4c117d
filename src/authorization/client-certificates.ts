import type { X509Certificate } from 'node:crypto'
import type {
  CertificateFault,
  PeerCertificates,
  ShownCertificate,
} from '#platform/client-certificates/peer-certificates'
import { invalidClient, invalidRequest, type OAuthError } from './oauth-error.ts'
import type { TokenState } from './token-state.ts'

/** How clients show certificates to one issuer (RFC 8705). */
export type ClientCertificates = {
  /** the issuer's other address, where connections are asked for certificates: https://mtls.example/sandbox */
  url: string
  peers: PeerCertificates
}

/**
 * The certificate that is to authenticate a client, where the request brings nothing else for that. What is wrong with
 * the certificate itself is told: it says nothing about which clients exist.
 * @throws invalid_client
 */
export function checkAuthenticating(
  { peers }: ClientCertificates,
  shown: ShownCertificate,
  nowMs: number,
): void {
  const fault = peers.fault(shown, nowMs)
  if (fault !== undefined)
    throw invalidClient(`the client certificate is not accepted: ${faultText[fault]}`)
}

/**
 * The credential that a certificate is: one that was registered itself (`self_signed_tls_client_auth`, section 2.2), or one
 * of the operator's authorities with what was registered of it (`tls_client_auth`, section 2.1), as the settings allow.
 */
export function provenByCertificate(
  shownTo: ClientCertificates | undefined,
  { certificate: peer, client }: TokenState,
  nowMs: number,
): string | undefined {
  if (shownTo === undefined || client === undefined) return undefined
  if (peer === undefined || typeof peer === 'string') return undefined
  const { peers } = shownTo
  const { authenticationMethods: methods, certificates } = client.settings
  const issued = methods.includes('tls_client_auth') && peers.isIssued(peer, nowMs)
  const itself = issued || methods.includes('self_signed_tls_client_auth')
  const allowed = certificates.filter(({ thumbprint }) => (thumbprint ? itself : issued))
  return peers.registration(peer, allowed, nowMs)?.credentialId
}

/**
 * The certificate that a token is bound to (section 3). It has to be one that the application has registered: so that its
 * owner can end what is bound to it, by taking it away.
 * @returns undefined when none was shown
 * @throws invalid_request when it is not to be relied on
 */
export function bindingCertificate(
  certificates: ClientCertificates | undefined,
  { certificate: shown, client, credentialId }: TokenState,
  nowMs: number,
): X509Certificate | undefined {
  if (certificates === undefined || shown === undefined || shown === 'no certificate')
    return undefined
  if (typeof shown === 'string') throw notBound(shown)
  const { peers } = certificates
  const fault = peers.fault(shown, nowMs)
  if (fault !== undefined) throw notBound(fault)
  const { certificate } = shown.leaf
  // Until somebody is authenticated it is the certificate that may do so: whose it is, is asked there.
  if (credentialId === undefined) return certificate
  const registered = client?.settings.certificates ?? []
  if (peers.registration(shown, registered, nowMs) === undefined)
    throw notBound('unregistered certificate')
  return certificate
}

const notBound = (fault: CertificateFault): OAuthError =>
  invalidRequest(`a token cannot be bound to this client certificate: ${faultText[fault]}`)

const faultText: Readonly<Record<CertificateFault, string>> = {
  'no certificate': 'there is none',
  'unreadable certificate': 'it cannot be read',
  'weak certificate':
    'its key or signature is weak, or it is not for clients; use RSA from 2048 bits, P-256, P-384 or Ed25519, and SHA-256',
  'expired certificate': 'it is not valid at this time',
  'revoked certificate': 'its authority has revoked it',
  'unregistered certificate': 'register it with the application first',
}
