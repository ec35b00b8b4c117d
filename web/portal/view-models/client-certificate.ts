const begin = '-----BEGIN CERTIFICATE-----'

/** Reads what somebody pasted or chose as a certificate, and never lets a private key pass. */
export function readCertificateText(
  text: string,
): { ok: true; certificate: string } | { ok: false; fault: string } {
  if (/PRIVATE KEY/.test(text))
    return {
      ok: false,
      fault:
        'There is a private key in it. It was not sent. Give the certificate only; the key stays with you.',
    }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
  const [certificate, ...others] = blocks
  if (certificate === undefined)
    return {
      ok: false,
      fault: text.includes(begin)
        ? 'The certificate is cut off: its last line is -----END CERTIFICATE-----.'
        : `This is no certificate in PEM: it begins with ${begin}. To convert DER: openssl x509 -inform der -in client.cer.`,
    }
  if (others.length > 0)
    return {
      ok: false,
      fault: `There are ${blocks.length} certificates in it. Give the one of your client, without its chain.`,
    }
  return { ok: true, certificate: `${certificate}\n` }
}
