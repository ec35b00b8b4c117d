import { AppError, invalidArgument } from '#platform/app-error'
import {
  alternativeName,
  type ClientCertificate,
  readClientCertificate,
} from '#platform/client-certificate'
import { pemBlocks } from '#platform/pem'

/** What is kept of a certificate: by which it is recognised when a client shows it. */
export type AcceptedCertificate = {
  hint: string
  thumbprint: string | null
  subjectAlternativeName: string | null
  notAfter: Date | null
}

/**
 * A client certificate that an application may come with: one certificate itself, whoever signed it (RFC 8705 section 2.2),
 * or a name in certificates of the operator's authority (section 2.1).
 * @throws AppError INVALID_ARGUMENT with every fault; a private key is refused and must be treated as leaked
 */
export function acceptClientCertificate(
  input: { certificate?: string; subjectAlternativeName?: string },
  now: Date,
): AcceptedCertificate {
  const { certificate, subjectAlternativeName: name } = input
  if ((certificate === undefined) === (name === undefined))
    throw fault('', [
      'give either certificate, the certificate itself, or subjectAlternativeName, a name in certificates of the operator’s CA',
    ])
  if (name !== undefined) return acceptName(name)
  return acceptCertificate(certificate ?? '', now)
}

function acceptName(text: string): AcceptedCertificate {
  const name = alternativeName(text)
  if (name === undefined)
    throw fault('/subjectAlternativeName', [
      'must be a DNS name without a wildcard, or a URI: DNS:api.bank.example, URI:urn:bank:api',
    ])
  return { hint: name, thumbprint: null, subjectAlternativeName: name, notAfter: null }
}

function acceptCertificate(text: string, now: Date): AcceptedCertificate {
  if (/PRIVATE KEY/.test(text))
    throw fault('/certificate', [
      'holds a private key. Treat it as leaked: make a new pair and send the certificate only',
    ])
  const read = readOne(text)
  const faults = [...read.clientFaults]
  if (read.notAfterMs <= now.getTime()) faults.push('has expired')
  if (read.notAfterMs <= read.notBeforeMs) faults.push('ends before it begins')
  if (faults.length > 0) throw fault('/certificate', faults)
  return {
    hint: hintOf(read),
    thumbprint: read.thumbprint,
    subjectAlternativeName: null,
    notAfter: new Date(read.notAfterMs - 999),
  }
}

function readOne(text: string): ClientCertificate {
  try {
    const [first, ...others] = pemBlocks(text, 'CERTIFICATE')
    if (first === undefined)
      throw fault('/certificate', ['must be PEM: -----BEGIN CERTIFICATE----- and so on'])
    if (others.length > 0)
      throw fault('/certificate', ['must be the one certificate of the client, without its chain'])
    return readClientCertificate(first)
  } catch (error) {
    if (error instanceof AppError) throw error
    throw fault('/certificate', ['cannot be read: it is damaged, or no X.509 certificate'])
  }
}

/** What people recognise it by: its common name, or what else it is called. */
function hintOf({ certificate, names, thumbprint }: ClientCertificate): string {
  const subject = certificate.subject ?? ''
  const common = /^CN=(.+)$/m.exec(subject)?.[1] ?? names[0] ?? subject.replaceAll('\n', ', ')
  const plain = common.replace(/\p{C}/gu, '').trim()
  return (plain === '' ? thumbprint : plain).slice(0, 80).toWellFormed()
}

const fault = (path: string, messages: readonly string[]): AppError =>
  invalidArgument(messages.map((message) => ({ path, message })))
