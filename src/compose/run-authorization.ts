import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { Gauge } from 'prom-client'
import { type AuthorizationServerOptions, createAuthorizationServer } from '#authorization'
import { createScopeSource } from '#contracts'
import { createPartnerDirectory } from '#partners'
import { noAuthorities } from '#platform/client-certificates/certificate-authorities'
import type { Config, Environment } from '#platform/config'
import { createInternalServer } from '#platform/internal-server'
import { serverCertificate } from '#platform/local-certificate'
import type { Log } from '#platform/log'
import { superviseProcess } from '#platform/process-lifecycle'
import { clientAuthorities } from './client-authorities.ts'
import { createPlatform } from './create-platform.ts'
import { certificateFiles } from './gateway-folder.ts'
import { openTracing, traceAddresses } from './open-tracing.ts'
import { createSubscriberParts } from './subscriber-parts.ts'
import { tellSupervisor } from './tell-supervisor.ts'

/** The authorization servers: both environments, or one. */
export async function runAuthorization(
  config: Config,
  environments: readonly Environment[],
): Promise<void> {
  const platform = await createPlatform(config, 'authorization')
  const traces = await openTracing(config, platform.log, {
    name: 'wayleave-authorization',
    instance: hostname(),
  })
  const partners = createPartnerDirectory(platform)
  const subscribers = createSubscriberParts(platform, partners)
  const certificates = await certificateParts(config, platform.log)
  const server = createAuthorizationServer({
    platform,
    partners,
    contracts: createScopeSource(platform),
    subscribers,
    environments,
    lameDuckMs: config.lameDuckSeconds * 1_000,
    ...certificates,
    observe: (http) => traceAddresses(http, traces),
  })
  const internal = createInternalServer({
    host: config.internalHost,
    port: config.authorization.internalPort,
    ready: () => server.ready(),
  })
  const { authorities = noAuthorities } = certificates
  new Gauge({
    name: 'wayleave_authorization_client_authorities_healthy',
    help: '0 while the files of certificate authorities or revocation lists cannot be used or are out of date.',
    registers: [internal.registry],
    collect() {
      this.set(authorities.healthy() ? 1 : 0)
    },
  })
  superviseProcess({
    log: platform.log,
    async stop() {
      await server.stop()
      for (const { network } of Object.values(subscribers)) await network.close()
      await internal.stop()
      await traces?.tracing.stop(2_000)
      await platform.database.close()
    },
  })
  await internal.start()
  await server.start()
  tellSupervisor({ type: 'ready' })
}

/** What the TLS listener shows, and whose client certificates are accepted by name; nothing where none are taken. */
async function certificateParts(
  config: Config,
  log: Log,
): Promise<Pick<AuthorizationServerOptions, 'tls' | 'authorities'>> {
  if (config.authorization.tls === undefined) return {}
  const folder = path.join(config.dataDir, 'authorization')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const certificate = await serverCertificate({ folder: path.join(folder, 'tls'), ...config.tls })
  const tls = { certificate, files: certificateFiles(config) }
  return { tls, ...(await clientAuthorities(config, folder, log)) }
}
