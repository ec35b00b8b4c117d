import path from 'node:path'
import {
  type CertificateAuthorities,
  openCertificateAuthorities,
} from '#platform/client-certificates/certificate-authorities'
import { systemClock } from '#platform/clock'
import { type Config, ConfigError } from '#platform/config'
import type { Log } from '#platform/log'

/**
 * The operator's own authorities for client certificates, when there are any.
 * @throws ConfigError when their files cannot be used: a process that forgot what was revoked must not start
 */
export async function clientAuthorities(
  { clientCertificates: { caFile, crlFile } }: Config,
  folder: string,
  log: Log,
): Promise<{ authorities?: CertificateAuthorities }> {
  if (caFile === undefined) {
    if (crlFile === undefined) return {}
    throw new ConfigError(['WAYLEAVE_CLIENT_CRL_FILE needs WAYLEAVE_CLIENT_CA_FILE: set both'])
  }
  const keptFile = path.join(folder, 'client-authorities.json')
  const nowMs = (): number => systemClock.now().getTime()
  const opened = await openCertificateAuthorities({ caFile, crlFile, keptFile, log, nowMs }).catch(
    (error: unknown) =>
      new ConfigError([
        `WAYLEAVE_CLIENT_CA_FILE, WAYLEAVE_CLIENT_CRL_FILE: ${error instanceof Error ? error.message : error}. Give PEM files that this user may read`,
      ]),
  )
  if (opened instanceof ConfigError) throw opened
  return { authorities: opened }
}
