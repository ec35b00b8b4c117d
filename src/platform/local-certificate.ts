import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/**
 * What a TLS listener shows.
 * @public
 */
export type ServerCertificate = { key: string; cert: string }

const yearMs = 365 * 86_400_000

/**
 * The configured certificate, or a self-signed one for `localhost` that is made at the first start and kept with its
 * key (0600) in `folder`. Made anew a month before it ends.
 * @public
 */
export async function serverCertificate(options: {
  folder: string
  keyFile: string | undefined
  certificateFile: string | undefined
}): Promise<ServerCertificate> {
  const { keyFile, certificateFile } = options
  if (keyFile !== undefined && certificateFile !== undefined) {
    return { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certificateFile, 'utf8') }
  }
  const file = path.join(options.folder, 'localhost.json')
  const kept = readKept(file)
  if (kept !== undefined) return kept
  const made = await selfSigned()
  mkdirSync(options.folder, { recursive: true })
  chmodSync(options.folder, 0o700)
  const temporary = `${file}.${process.pid}`
  writeFileSync(temporary, JSON.stringify(made), { mode: 0o600 })
  renameSync(temporary, file)
  return made
}

type Kept = ServerCertificate & { notAfter: string }

function readKept(file: string): Kept | undefined {
  if (!existsSync(file)) return undefined
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as Kept
    return Date.parse(kept.notAfter) - Date.now() > yearMs / 12 ? kept : undefined
  } catch {
    // Damaged: nobody trusts it by name, so a new one is as good.
    return undefined
  }
}

async function selfSigned(): Promise<Kept> {
  // Loaded only when a certificate is made: the library wants a global polyfill, which no serving process needs.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const notAfter = new Date(Date.now() + yearMs)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    notBefore: new Date(Date.now() - 60_000),
    notAfter,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  })
  const pkcs8 = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey))
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END PRIVATE KEY-----\n`
  return { key, cert: certificate.toString('pem'), notAfter: notAfter.toISOString() }
}
