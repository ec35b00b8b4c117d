import { constants } from 'node:crypto'

/**
 * TLS settings of a listener that asks each client for a certificate and takes whoever has none: which calls need one, and
 * whose it is, is decided per call. No names of authorities are sent, because a client with a registered certificate of
 * its own would then believe that it has none to show. No session is resumed: each connection shows its certificate
 * anew, and proves that it has the key.
 * @public
 */
export const askForCertificate = {
  requestCert: true,
  rejectUnauthorized: false,
  ca: [] as string[],
  secureOptions: constants.SSL_OP_NO_TICKET,
}
