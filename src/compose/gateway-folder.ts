import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Config, Environment } from '#platform/config'
import { randomText } from '#platform/ids'
import { serverCertificate } from '#platform/local-certificate'
import { writeOnce } from '#platform/write-once'

export const gatewayFolder = (config: Config, environment: Environment): string =>
  path.join(config.dataDir, `gateway-${environment}`)

/** A name that stays with the data folder: journal segments that wait there are shipped under it. */
export function gatewayIdOf(config: Config, environment: Environment): string {
  if (config.gatewayId !== undefined) return config.gatewayId
  const folder = gatewayFolder(config, environment)
  const file = path.join(folder, 'gateway-id')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!existsSync(file)) writeOnce(file, `${environment}-${randomText(12)}`)
  return readFileSync(file, 'utf8').trim()
}

/** The operator's certificate, or one that is made for this folder at its first start. */
export const gatewayCertificate = (
  config: Config,
  environment: Environment,
): ReturnType<typeof serverCertificate> =>
  serverCertificate({ folder: path.join(gatewayFolder(config, environment), 'tls'), ...config.tls })

/** The operator's own files are followed; a certificate that was made here is not. */
export function certificateFiles({
  tls: { keyFile, certificateFile },
}: Config): { keyFile: string; certificateFile: string } | undefined {
  if (keyFile === undefined || certificateFile === undefined) return undefined
  return { keyFile, certificateFile }
}
