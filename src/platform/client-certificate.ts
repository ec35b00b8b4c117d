import { hash, X509Certificate } from 'node:crypto'
import { type DerElement, DerFault, DerReader, derTags, oidText } from './der.ts'

/**
 * A certificate that a client shows, read as far as trust in it depends on. Nothing is decided here about whose it is.
 * @public
 */
export type ClientCertificate = {
  certificate: X509Certificate
  /** SHA-256 of the DER, base64url (RFC 8705 section 3.1, `x5t#S256`) */
  thumbprint: string
  /** DER of the names, and the serial number in hexadecimal: what revocation lists go by */
  issuer: string
  subject: string
  serial: string
  notBeforeMs: number
  /** it is good up to and including this second (RFC 5280 section 4.1.2.5) */
  notAfterMs: number
  /** subject alternative names that may be registered: `DNS:api.bank.example` in lower case, `URI:…` */
  names: readonly string[]
  /** how many authorities may follow below this one */
  pathLength: number | undefined
  /** why no client is accepted with it: a weak key or signature, a use that excludes clients of TLS, an unknown demand */
  clientFaults: readonly string[]
  /** why nothing that it signed is accepted; its own signature is not looked at, as a trusted root has none that counts */
  authorityFaults: readonly string[]
  /** whether its own signature can be relied on, when it is neither a root nor registered */
  isStronglySigned: boolean
}

const oids = {
  subjectAlternativeName: '2.5.29.17',
  keyUsage: '2.5.29.15',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  extendedKeyUsage: '2.5.29.37',
} as const

/** Extensions whose meaning is honoured, or cannot matter here; another critical one is a fault (RFC 5280 section 4.2). */
const understood: ReadonlySet<string> = new Set([
  ...Object.values(oids),
  '2.5.29.32',
  '2.5.29.35',
  '2.5.29.14',
])

/**
 * How a certificate or a revocation list is signed; `hash` is null where the scheme has its own.
 * @public
 */
export type SignatureScheme = { hash: 'sha256' | 'sha384' | 'sha512' | null; pss: boolean }

const schemes: Readonly<Record<string, SignatureScheme>> = {
  '1.2.840.113549.1.1.11': { hash: 'sha256', pss: false }, // RSA
  '1.2.840.113549.1.1.12': { hash: 'sha384', pss: false },
  '1.2.840.113549.1.1.13': { hash: 'sha512', pss: false },
  '1.2.840.10045.4.3.2': { hash: 'sha256', pss: false }, // ECDSA
  '1.2.840.10045.4.3.3': { hash: 'sha384', pss: false },
  '1.2.840.10045.4.3.4': { hash: 'sha512', pss: false },
  '1.3.101.112': { hash: null, pss: false }, // Ed25519
}
const pss = '1.2.840.113549.1.1.10'
const pssHashes: Readonly<Record<string, SignatureScheme['hash']>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}
const clientAuthentication = '1.3.6.1.5.5.7.3.2'
const anyExtendedUsage = '2.5.29.37.0'

/**
 * @param der one certificate, exactly
 * @throws when these bytes are no certificate
 * @public
 */
export function readClientCertificate(der: Buffer): ClientCertificate {
  const parts = readParts(der)
  const certificate = new X509Certificate(der)
  const extensions = readExtensions(parts)
  const authority = basicConstraintsOf(extensions.get(oids.basicConstraints)?.value)
  return {
    certificate,
    thumbprint: hash('sha256', der, 'base64url'),
    issuer: parts.reader.whole(parts.issuer).toString('base64'),
    subject: parts.reader.whole(parts.subject).toString('base64'),
    serial: parts.reader.content(parts.serial).toString('hex'),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime() + 999,
    names: alternativeNamesOf(extensions.get(oids.subjectAlternativeName)?.value),
    pathLength: authority.pathLength,
    ...judge(certificate, parts, extensions, authority.isAuthority),
  }
}

/**
 * What a certificate's name is written as when it is registered and compared.
 * @returns undefined when it is no name of the two kinds
 * @public
 */
export function alternativeName(text: string): string | undefined {
  if (/^URI:[\x21-\x7e]{1,500}$/.test(text)) return text
  const dns =
    /^DNS:((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)$/
  const name = dns.exec(text)?.[1]
  return name === undefined || name.length > 253 ? undefined : `DNS:${name.toLowerCase()}`
}

type Parts = {
  reader: DerReader
  serial: DerElement
  issuer: DerElement
  subject: DerElement
  signature: DerElement
  extensions: DerElement | undefined
}

function readParts(der: Buffer): Parts {
  const outer = new DerReader(der)
  const certificate = outer.next(derTags.sequence)
  outer.finish()
  const tbs = outer.inside(outer.inside(certificate).next(derTags.sequence))
  tbs.optional(0xa0)
  const serial = tbs.next(derTags.integer)
  const signature = tbs.next(derTags.sequence)
  const issuer = tbs.next(derTags.sequence)
  tbs.next(derTags.sequence)
  const subject = tbs.next(derTags.sequence)
  tbs.next(derTags.sequence)
  tbs.optional(0x81)
  tbs.optional(0x82)
  const explicit = tbs.optional(0xa3)
  const extensions = explicit && tbs.inside(explicit).next(derTags.sequence)
  return { reader: tbs, serial, issuer, subject, signature, extensions }
}

type Extension = { critical: boolean; value: Buffer }

function readExtensions({ reader, extensions }: Parts): Map<string, Extension> {
  const found = new Map<string, Extension>()
  if (extensions === undefined) return found
  const list = reader.inside(extensions)
  while (!list.done) {
    const { id, critical, value } = readExtension(list)
    if (found.has(id)) throw new DerFault('an extension is there twice')
    found.set(id, { critical, value })
  }
  return found
}

/**
 * The next Extension of a certificate or revocation list.
 * @public
 */
export function readExtension(list: DerReader): Extension & { id: string } {
  const parts = list.inside(list.next(derTags.sequence))
  const id = oidText(parts.content(parts.next(derTags.oid)))
  const flag = parts.optional(derTags.boolean)
  const critical = flag !== undefined && parts.content(flag)[0] !== 0
  const value = parts.content(parts.next(derTags.octetString))
  parts.finish()
  return { id, critical, value }
}

function basicConstraintsOf(value: Buffer | undefined): {
  isAuthority: boolean
  pathLength: number | undefined
} {
  if (value === undefined) return { isAuthority: false, pathLength: undefined }
  const reader = new DerReader(value)
  const parts = reader.inside(reader.next(derTags.sequence))
  const flag = parts.optional(derTags.boolean)
  const length = parts.optional(derTags.integer)
  return {
    isAuthority: flag !== undefined && parts.content(flag)[0] !== 0,
    pathLength:
      length === undefined
        ? undefined
        : parts.content(length).readUIntBE(0, Math.min(6, length.end - length.body)),
  }
}

function alternativeNamesOf(value: Buffer | undefined): string[] {
  if (value === undefined) return []
  const reader = new DerReader(value)
  const list = reader.inside(reader.next(derTags.sequence))
  const names: string[] = []
  while (!list.done) {
    const name = list.next()
    const kind = name.tag === 0x82 ? 'DNS' : name.tag === 0x86 ? 'URI' : undefined
    if (kind === undefined) continue
    const text = alternativeName(`${kind}:${list.content(name).toString('latin1')}`)
    if (text !== undefined) names.push(text)
  }
  return names
}

function judge(
  certificate: X509Certificate,
  parts: Parts,
  extensions: ReadonlyMap<string, Extension>,
  isAuthority: boolean,
): Pick<ClientCertificate, 'clientFaults' | 'authorityFaults' | 'isStronglySigned'> {
  const common: string[] = []
  const key = keyFault(certificate)
  if (key !== undefined) common.push(key)
  for (const [id, { critical }] of extensions)
    if (critical && !understood.has(id))
      common.push(`has the critical extension ${id}, which is not understood`)
  const purposes = extensions.get(oids.extendedKeyUsage)?.value
  if (purposes !== undefined && !allowsClients(purposes))
    common.push('has an extended key usage without clientAuth')
  const isStronglySigned = signatureScheme(parts.reader, parts.signature) !== undefined
  const clientFaults = [...common]
  if (!isStronglySigned)
    clientFaults.push('is signed with a weak or unknown algorithm; use SHA-256 or better')
  const usage = extensions.get(oids.keyUsage)?.value
  if (usage !== undefined && !allowsSignatures(usage))
    clientFaults.push('has a key usage without digitalSignature')
  const authorityFaults = [...common]
  if (!isAuthority) authorityFaults.push('is not the certificate of an authority (CA:TRUE)')
  if (extensions.has(oids.nameConstraints))
    authorityFaults.push('constrains names, which is not supported')
  return { clientFaults, authorityFaults, isStronglySigned }
}

function keyFault({ publicKey }: X509Certificate): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey
  const bits = details?.modulusLength ?? 0
  if (type === 'rsa' || type === 'rsa-pss')
    return bits >= 2_048 && bits <= 8_192
      ? undefined
      : `has an RSA key of ${bits} bits; use 2048 to 8192`
  if (type === 'ed25519') return undefined
  if (
    type === 'ec' &&
    (details?.namedCurve === 'prime256v1' || details?.namedCurve === 'secp384r1')
  )
    return undefined
  return 'has a key that is not accepted; use RSA, EC on P-256 or P-384, or Ed25519'
}

/**
 * Reads an AlgorithmIdentifier.
 * @returns undefined for an algorithm that is weak (SHA-1, MD5) or not known
 * @public
 */
export function signatureScheme(
  reader: DerReader,
  algorithm: DerElement,
): SignatureScheme | undefined {
  const parts = reader.inside(algorithm)
  const id = oidText(parts.content(parts.next(derTags.oid)))
  if (id !== pss) return schemes[id]
  if (parts.done) return undefined
  // RFC 4055 section 3.1: without a hash algorithm it is SHA-1.
  const parameters = parts.inside(parts.next(derTags.sequence))
  const explicit = parameters.optional(0xa0)
  if (explicit === undefined) return undefined
  const inner = parameters.inside(explicit)
  const named = inner.inside(inner.next(derTags.sequence))
  const hashed = pssHashes[oidText(named.content(named.next(derTags.oid)))]
  return hashed === undefined ? undefined : { hash: hashed, pss: true }
}

/** The first bit of KeyUsage is digitalSignature, which a client of TLS 1.3 needs. */
function allowsSignatures(value: Buffer): boolean {
  const reader = new DerReader(value)
  const bits = reader.content(reader.next(derTags.bitString))
  return ((bits[1] ?? 0) & 0x80) !== 0
}

function allowsClients(value: Buffer): boolean {
  const reader = new DerReader(value)
  const list = reader.inside(reader.next(derTags.sequence))
  while (!list.done) {
    const id = oidText(list.content(list.next(derTags.oid)))
    if (id === clientAuthentication || id === anyExtendedUsage) return true
  }
  return false
}
