import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { GatewayOptions, UpstreamReport } from '#gateway'
import type { Config, Environment } from '#platform/config'
import type { InternalHandler } from '#platform/internal-server'

/**
 * How a gateway reaches upstreams, beside what the APIs say.
 * @param folder of the gateway: what it must remember over restarts
 */
export function upstreamOptions(
  config: Config,
  environment: Environment,
  folder: string,
): NonNullable<GatewayOptions['upstreams']> {
  return {
    ca: config.upstreamCaFile === undefined ? undefined : readAuthorities(config.upstreamCaFile),
    credentials: credentialsOf(config),
    // Production cannot reach the simulated operator, even by its own address.
    forbidden: environment === 'production' ? [config.simulator.url] : [],
    platformUrl: `${config.control.internalUrl}/internal/v1/platform/${environment}`,
    canaryFolder: path.join(folder, 'canaries'),
  }
}

/** `GET /upstreams`: targets, breakers, canaries and what shadows differ in, as this process sees them. */
export function upstreamsHandler(
  environment: Environment,
  gatewayId: string,
  upstreams: () => UpstreamReport[],
): InternalHandler {
  return (_request, response) => {
    const body = JSON.stringify({ environment, gatewayId, upstreams: upstreams() })
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  }
}

function readAuthorities(file: string): string {
  const pem = readFileSync(file, 'utf8')
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (certificates.length === 0)
    throw new Error(`WAYLEAVE_UPSTREAM_CA_FILE: there is no certificate (PEM) in ${file}`)
  for (const certificate of certificates) {
    try {
      new X509Certificate(certificate)
    } catch (error) {
      throw new Error(`WAYLEAVE_UPSTREAM_CA_FILE: a certificate in ${file} cannot be read`, {
        cause: error,
      })
    }
  }
  return certificates.join('\n')
}

function credentialsOf({ aws }: Config): NonNullable<GatewayOptions['upstreams']>['credentials'] {
  const { accessKeyId, secretAccessKey, sessionToken } = aws
  if (accessKeyId === undefined && secretAccessKey === undefined) return undefined
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new Error('AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: set both, or neither')
  return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}
