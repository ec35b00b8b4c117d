/** Most certificates that a chain may have: one for the client is not among them. */
const longestChain = 4
const byteSequence = /^ *:([A-Za-z0-9+/]*={0,2}): *$/

/**
 * The certificate of a Client-Cert field: one structured-field item that is a byte sequence (RFC 9440 section 2.2, RFC
 * 8941 section 3.3.5), in its only spelling.
 * @returns undefined when it is malformed; two fields, which come joined by a comma, are
 */
export function readClientCert(field: string): Buffer | undefined {
  const text = byteSequence.exec(field)?.[1]
  if (text === undefined || text === '') return undefined
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/**
 * The certificates of a Client-Cert-Chain field: a structured-field list of byte sequences (RFC 9440 section 2.3).
 * @returns undefined when it is malformed or longer than a chain may be
 */
export function readClientCertChain(field: string): Buffer[] | undefined {
  const items = field.split(',')
  if (items.length > longestChain) return undefined
  const chain: Buffer[] = []
  for (const item of items) {
    const bytes = readClientCert(item.replaceAll('\t', ' '))
    if (bytes === undefined) return undefined
    chain.push(bytes)
  }
  return chain
}
