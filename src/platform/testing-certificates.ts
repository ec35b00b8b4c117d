import 'reflect-metadata'
import { type webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/**
 * The library, once its polyfill is there: for extensions.
 * @public
 */
export { x509 }

const kinds = {
  'P-256': { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  'P-521': { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  Ed25519: { name: 'Ed25519' },
  'RSA-2048': rsa(2_048, 'SHA-256'),
  'RSA-1024': rsa(1_024, 'SHA-256'),
  'RSA-2048 SHA-1': rsa(2_048, 'SHA-1'),
  'RSA-PSS': { ...rsa(2_048, 'SHA-256'), name: 'RSA-PSS', saltLength: 32 },
} as const

function rsa(modulusLength: number, hash: 'SHA-1' | 'SHA-256') {
  const publicExponent = new Uint8Array([1, 0, 1])
  return { name: 'RSASSA-PKCS1-v1_5', modulusLength, publicExponent, hash }
}

/**
 * A real certificate with its key, and what it needs to issue others.
 * @public
 */
export type TestCertificate = {
  pem: string
  der: Buffer
  /** PKCS #8, PEM */
  key: string
  thumbprint: string
  serial: string
  issue: {
    name: string
    keys: webcrypto.CryptoKeyPair
    algorithm: (typeof kinds)[keyof typeof kinds]
  }
}

const dayMs = 86_400_000

/**
 * Makes a certificate: self-signed, or issued by another one.
 * @public
 */
export async function makeCertificate(
  options: {
    name?: string
    kind?: keyof typeof kinds
    issuer?: TestCertificate
    notBefore?: Date
    notAfter?: Date
    dnsNames?: readonly string[]
    uris?: readonly string[]
    ips?: readonly string[]
    authority?: { pathLength?: number }
    extensions?: readonly x509.Extension[]
  } = {},
): Promise<TestCertificate> {
  const { issuer, authority } = options
  const name = options.name ?? 'CN=client'
  const algorithm = kinds[options.kind ?? 'P-256']
  const keys = (await crypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ])) as webcrypto.CryptoKeyPair
  const names = [
    ...(options.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(options.ips ?? []).map((value) => ({ type: 'ip' as const, value })),
    ...(options.uris ?? []).map((value) => ({ type: 'url' as const, value })),
  ]
  const made = await x509.X509CertificateGenerator.create({
    subject: name,
    issuer: issuer?.issue.name ?? name,
    notBefore: options.notBefore ?? new Date(Date.now() - dayMs),
    notAfter: options.notAfter ?? new Date(Date.now() + 30 * dayMs),
    publicKey: keys.publicKey,
    signingKey: (issuer?.issue.keys ?? keys).privateKey,
    signingAlgorithm: issuer?.issue.algorithm ?? algorithm,
    extensions: [
      ...(authority === undefined
        ? []
        : [new x509.BasicConstraintsExtension(true, authority.pathLength, true)]),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
      ...(options.extensions ?? []),
    ],
  })
  const pem = made.toString('pem')
  const certificate = new X509Certificate(pem)
  return {
    pem: `${pem}\n`,
    der: certificate.raw,
    key: pemOf('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', keys.privateKey)),
    thumbprint: new Uint8Array(await crypto.subtle.digest('SHA-256', certificate.raw)).toBase64({
      alphabet: 'base64url',
      omitPadding: true,
    }),
    serial: made.serialNumber,
    issue: { name, keys, algorithm },
  }
}

/**
 * A revocation list of an authority, PEM.
 * @public
 */
export async function makeRevocationList(
  issuer: TestCertificate,
  revoked: readonly { serial: string }[],
  options: { nextUpdate?: Date; extensions?: x509.Extension[]; signer?: TestCertificate } = {},
): Promise<string> {
  const { keys, algorithm } = (options.signer ?? issuer).issue
  const list = await x509.X509CrlGenerator.create({
    issuer: issuer.issue.name,
    thisUpdate: new Date(Date.now() - 1_000),
    nextUpdate: options.nextUpdate ?? new Date(Date.now() + dayMs),
    entries: revoked.map(({ serial }) => ({
      serialNumber: serial,
      revocationDate: new Date(),
      reason: x509.X509CrlReason.keyCompromise,
    })),
    extensions: options.extensions ?? [],
    signingKey: keys.privateKey,
    signingAlgorithm: algorithm,
  })
  return pemOf('X509 CRL', list.rawData)
}

function pemOf(label: string, der: ArrayBuffer): string {
  const text = Buffer.from(der)
    .toString('base64')
    .replace(/(.{64})/g, '$1\n')
  return `-----BEGIN ${label}-----\n${text}\n-----END ${label}-----\n`
}
