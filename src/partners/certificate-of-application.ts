/** A client certificate that an application may come with: this very one, or one of the operator's CA with this name. */
export type ApplicationCertificate = {
  credentialId: string
  /** SHA-256 of the DER, base64url (RFC 8705 x5t#S256) */
  thumbprint?: string
  /** a DNS or URI name among the subject alternative names (RFC 8705 section 2.1.2), such as `DNS:api.bank.example` */
  subjectAlternativeName?: string
  /** RFC 3339; not accepted after it */
  notAfter?: string
}

type Kept = Required<{
  id: string
  type: string
  thumbprint: string | null
  subjectAlternativeName: string | null
  notAfter: Date | null
}>

export const certificatesOf = (credentials: readonly Kept[]): ApplicationCertificate[] =>
  credentials
    .filter((c) => c.type === 'client_certificate')
    .map((c) => ({
      credentialId: c.id,
      ...(c.thumbprint === null ? {} : { thumbprint: c.thumbprint }),
      ...(c.subjectAlternativeName === null
        ? {}
        : { subjectAlternativeName: c.subjectAlternativeName }),
      ...(c.notAfter === null ? {} : { notAfter: c.notAfter.toISOString() }),
    }))
