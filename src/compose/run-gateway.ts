import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { createGateway, createQuotaLedger } from '#gateway'
import { openJournal } from '#journal'
import { systemClock } from '#platform/clock'
import type { Config, Environment } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { randomText } from '#platform/ids'
import { createInternalServer } from '#platform/internal-server'
import { serverCertificate } from '#platform/local-certificate'
import { createLog } from '#platform/log'
import { openSealing } from '#platform/master-key'
import { superviseProcess } from '#platform/process-lifecycle'
import { createSealing } from '#platform/sealing'
import { writeOnce } from '#platform/write-once'
import { followSnapshot } from '#snapshot'
import { databaseUrlOf } from './create-platform.ts'
import { tellSupervisor } from './tell-supervisor.ts'

/** A gateway of one environment. */
export async function runGateway(config: Config, environment: Environment): Promise<void> {
  const log = createLog({ name: `gateway-${environment}`, level: config.logLevel })
  const addresses = config.gateways[environment]
  const other = config.gateways[environment === 'sandbox' ? 'production' : 'sandbox']
  const folder = path.join(config.dataDir, `gateway-${environment}`)
  const databaseUrl = databaseUrlOf(config)
  const database = createDatabasePool(databaseUrl, {
    applicationName: `wayleave gateway ${environment}`,
    max: 4,
    onError: (error) => log.warn({ reason: error.message }, 'a database connection broke'),
  })
  const journalFolder = path.join(config.dataDir, 'journal')
  mkdirSync(journalFolder, { recursive: true, mode: 0o700 })
  const journal = await openJournal({
    folder: journalFolder,
    gatewayId: config.gatewayId ?? ownGatewayId(folder, environment),
    environment,
    sync: config.journalSync,
    now: () => Date.now(),
    log,
    ship: {
      url: config.control.internalUrl,
      token: config.intakeToken ?? openSealing(config).machineToken(`intake:${environment}`),
    },
  })
  let ready = (): boolean => false
  const internal = createInternalServer({
    host: config.internalHost,
    port: addresses.internalPort,
    ready: () => ready(),
  })
  const gateway = createGateway({
    environment,
    listen: { host: config.host, port: addresses.port },
    tls: {
      host: config.host,
      port: addresses.tlsPort,
      ...(await serverCertificate({ folder: path.join(folder, 'tls'), ...config.tls })),
    },
    issuer: `${config.authorization.url}/${environment}`,
    audience: addresses.url,
    sealing:
      config.gatewayKey === undefined
        ? openSealing(config).child(`gateway:${environment}`)
        : createSealing(config.gatewayKey),
    foreignHosts: [new URL(other.url).host, new URL(other.tlsUrl).host],
    simulator: environment === 'sandbox' ? simulatorOf(config) : undefined,
    snapshot: followSnapshot({
      databaseUrl,
      environment,
      log,
      cacheFile: path.join(folder, 'snapshot.jsonl'),
    }),
    journal,
    quota: createQuotaLedger(database, environment),
    registry: internal.registry,
    log,
    clock: systemClock,
    limits: { unrecorded: config.journalFull },
  })
  ready = () => gateway.ready()
  superviseProcess({
    log,
    async stop() {
      await gateway.stop()
      await internal.stop()
      await database.close()
    },
  })
  await internal.start()
  await gateway.start()
  tellSupervisor({ type: 'ready' })
}

function simulatorOf(config: Config): { url: string; token: string } {
  return {
    url: config.simulator.url,
    token: config.upstreamToken ?? openSealing(config).machineToken('upstream:simulator'),
  }
}

/** A name that stays with the data folder: journal segments that wait there are shipped under it. */
function ownGatewayId(folder: string, environment: Environment): string {
  const file = path.join(folder, 'gateway-id')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!existsSync(file)) writeOnce(file, `${environment}-${randomText(12)}`)
  return readFileSync(file, 'utf8').trim()
}
