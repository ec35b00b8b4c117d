import { readFile, stat } from 'node:fs/promises'
import type { ServerCertificate } from './local-certificate.ts'
import type { Log } from './log.ts'

/**
 * PEM files that an operator renews in place.
 * @public
 */
export type CertificateFiles = { keyFile: string; certificateFile: string }

/**
 * Takes a renewed certificate into use without a restart. The files are looked at, not watched: mounted secrets are
 * replaced by symbolic links, which most watches miss. Two files are never replaced at once, so a key that does not fit
 * the certificate yet is a matter of time, and what works stays until both fit.
 * @public
 */
export function followCertificate(options: {
  files: CertificateFiles
  present: ServerCertificate
  /** @throws when key and certificate do not fit */
  use: (certificate: ServerCertificate) => void
  log: Log
  /** how often the files are looked at */
  everyMs?: number
}): { stop(): void } {
  const { files, use, log, everyMs = 2_000 } = options
  let present = options.present
  let seen = ''
  let looking = false

  const look = async (): Promise<void> => {
    const marks = await Promise.all([files.keyFile, files.certificateFile].map(markOf))
    if (marks.join() === seen) return
    const [key, cert] = await Promise.all([
      readFile(files.keyFile, 'utf8'),
      readFile(files.certificateFile, 'utf8'),
    ])
    seen = marks.join()
    if (key === present.key && cert === present.cert) return
    use({ key, cert })
    present = { key, cert }
    log.info({ file: files.certificateFile }, 'a renewed certificate is in use')
  }
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      .catch((error: Error) => {
        log.warn(
          { reason: error.message, file: files.certificateFile },
          'the certificate files cannot be used: connections are shown the certificate of before',
        )
      })
      .finally(() => {
        looking = false
      })
  }, everyMs).unref()
  return { stop: () => clearInterval(timer) }
}

async function markOf(file: string): Promise<string> {
  const { ino, size, mtimeMs } = await stat(file)
  return `${ino} ${size} ${mtimeMs}`
}
