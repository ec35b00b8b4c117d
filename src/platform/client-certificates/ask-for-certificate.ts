import { constants } from 'node:crypto'
import { createSecureContext, type Server } from 'node:tls'
import type { ServerCertificate } from '../local-certificate.ts'

/**
 * TLS settings of a listener that asks each client for a certificate and takes whoever has none: which calls need one, and
 * whose it is, is decided per call. No names of authorities are sent, because a client with a registered certificate of
 * its own would then believe that it has none to show. No session is resumed: each connection shows its certificate
 * anew, and proves that it has the key. TLS 1.3 only, so that nothing can be renegotiated.
 * @public
 */
export const askForCertificate = {
  requestCert: true,
  rejectUnauthorized: false,
  ca: [] as string[],
  secureOptions: constants.SSL_OP_NO_TICKET,
  minVersion: 'TLSv1.3',
} as const

/**
 * Connections from now on are shown this certificate of the server.
 * @throws when the key does not belong to the certificate: nothing may be put in place of one that works then
 * @public
 */
export function replaceCertificate(server: Server, certificate: ServerCertificate): void {
  createSecureContext(certificate)
  server.setSecureContext({ ...certificate, ...askForCertificate })
}
