import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import path from 'node:path'
import { AggregatorRegistry } from 'prom-client'
import {
  announceMember,
  countMembers,
  createGateway,
  createPayloadStore,
  createProofLedger,
  createQuotaLedger,
  KeptMembers,
  type LimitStore,
  LiveTail,
  postgresLimitStore,
  redisLimitStore,
} from '#gateway'
import { type Journal, openJournal } from '#journal'
import { systemClock } from '#platform/clock'
import type { Config, Environment } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { createInternalServer } from '#platform/internal-server'
import { createLog, type Log } from '#platform/log'
import { superviseProcess } from '#platform/process-lifecycle'
import { createConsentRegister, followSnapshot } from '#snapshot'
import { clientAuthorities } from './client-authorities.ts'
import {
  certificateFiles,
  gatewayCertificate,
  gatewayFolder,
  gatewayIdOf,
} from './gateway-folder.ts'
import { gatewayHosts } from './gateway-hosts.ts'
import { heldKeys } from './held-keys.ts'
import { shipLeftJournals } from './left-journals.ts'
import { openTracing } from './open-tracing.ts'
import { roleUrlOf } from './role-database.ts'
import { tellSupervisor } from './tell-supervisor.ts'
import { upstreamOptions, upstreamsHandler } from './upstream-options.ts'

/**
 * A gateway of one environment, or one of its workers.
 * @param worker the slot of a worker: it shares the public addresses, and has a journal and an internal address of its own
 */
export async function runGateway(
  config: Config,
  environment: Environment,
  worker?: number,
): Promise<void> {
  const log = createLog({ name: `gateway-${environment}`, level: config.logLevel })
  const addresses = config.gateways[environment]
  const other = config.gateways[environment === 'sandbox' ? 'production' : 'sandbox']
  const folder = gatewayFolder(config, environment)
  const databaseUrl = await gatewayUrlOf(config, environment)
  const database = createDatabasePool(databaseUrl, {
    applicationName: `wayleave gateway ${environment}`,
    max: 4,
    onError: (error) => log.warn({ reason: error.message }, 'a database connection broke'),
  })
  const held = await heldKeys(config, environment)
  const own = gatewayIdOf(config, environment)
  const gatewayId = worker === undefined ? own : `${own}-${worker}`
  const journalFolder = path.join(config.dataDir, 'journal')
  mkdirSync(journalFolder, { recursive: true, mode: 0o700 })
  const openJournalOf = (id: string): Promise<Journal> =>
    openJournal({
      folder: journalFolder,
      gatewayId: id,
      environment,
      sync: config.journalSync,
      now: () => Date.now(),
      log,
      ship: {
        url: config.control.internalUrl,
        token: held.intakeToken,
      },
    })
  const journal = await openJournalOf(gatewayId)
  const traces = await openTracing(config, log, {
    name: 'wayleave-gateway',
    instance: gatewayId,
    environment,
  })
  const { sealing } = held
  const tail = new LiveTail({ token: sealing.machineToken('tail') })
  let ready = (): boolean => false
  const internal = createInternalServer({
    host: config.internalHost,
    port: worker === undefined ? addresses.internalPort : 0,
    ready: () => ready(),
    handlers: {
      'GET /internal/v1/tail': tail.handler,
      'GET /violations': (_request, response) => {
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ items: gateway.violations() }))
      },
      'GET /upstreams': upstreamsHandler(environment, gatewayId, () => gateway.upstreams()),
    },
  })
  const snapshot = followSnapshot({
    databaseUrl,
    environment,
    log,
    cacheFile: path.join(
      folder,
      worker === undefined ? 'snapshot.jsonl' : `snapshot-${worker}.jsonl`,
    ),
  })
  const limits = limitStoreOf(config, environment, databaseUrl, log)
  const gateway = createGateway({
    environment,
    listen: { host: config.host, port: addresses.port },
    tls: {
      host: config.host,
      port: addresses.tlsPort,
      ...(await gatewayCertificate(config, environment)),
      files: certificateFiles(config),
    },
    issuer: `${config.authorization.url}/${environment}`,
    audience: addresses.url,
    tlsUrl: addresses.tlsUrl,
    trustedProxies: config.trustedProxies,
    ...(await clientAuthorities(config, folder, log)),
    portalUrl: config.portal.url,
    sealing,
    hosts: gatewayHosts(config, environment),
    foreignHosts: [new URL(other.url).host, new URL(other.tlsUrl).host],
    simulator:
      environment === 'sandbox'
        ? { url: config.simulator.url, token: held.upstreamToken }
        : undefined,
    upstreams: upstreamOptions(config, environment, folder),
    snapshot,
    journal,
    quota: createQuotaLedger(database, environment),
    limitStore: limits.store,
    keptMembers: new KeptMembers({
      file: path.join(folder, 'members'),
      workers: config.gatewayWorkers,
      // Without Redis it is PostgreSQL that is away.
      count: config.redisUrl === undefined ? undefined : () => countMembers(database, environment),
      log,
    }),
    payloads: createPayloadStore(database, environment, () => performance.now()),
    proofs: createProofLedger(database, environment),
    consents: createConsentRegister(database, environment),
    registry: internal.registry,
    tail,
    traces,
    log,
    clock: systemClock,
    limits: {
      unrecorded: config.journalFull,
      lameDuckMs: config.lameDuckSeconds * 1_000,
      connectionsPerAddress: config.connectionsPerAddress,
    },
  })
  ready = () => gateway.ready()
  let announced: { stop(): Promise<void> } | undefined
  let left: { stop(): Promise<void> } | undefined
  superviseProcess({
    log,
    async stop() {
      await left?.stop()
      await gateway.stop()
      await announced?.stop()
      await traces?.tracing.stop(2_000)
      await internal.stop()
      await limits.close()
      await database.close()
    },
  })
  if (worker !== undefined) {
    // The first process of the gateway adds the figures of all workers up.
    new AggregatorRegistry()
    AggregatorRegistry.setRegistries([internal.registry])
  }
  await internal.start()
  await gateway.start()
  left = shipLeftJournals({ folder: journalFolder, own, gatewayId, open: openJournalOf, log })
  announced = announceMember({
    database,
    environment,
    gatewayId,
    address: internalAddress(config.internalHost, internal.port()),
    revision: () => snapshot.revision(),
    monotonicMs: () => performance.now(),
    log,
  })
  tellSupervisor({ type: 'ready' })
}

/** One that is given its keys was given the address of its role with them, and starts while there is no database. */
function gatewayUrlOf(config: Config, environment: Environment): Promise<string> | string {
  const role = `gateway_${environment}` as const
  const given = config.gatewayKey === undefined ? undefined : config.databaseUrl
  return config.databaseUrls[role] ?? given ?? roleUrlOf(config, role)
}

/** Redis or Valkey where one is named, else PostgreSQL by connections of its own: a slow question must not hold up others. */
function limitStoreOf(
  config: Config,
  environment: Environment,
  databaseUrl: string,
  log: Log,
): { store: LimitStore; close(): Promise<void> } {
  if (config.redisUrl !== undefined) {
    return {
      store: redisLimitStore(config.redisUrl, environment, log),
      close: () => Promise.resolve(),
    }
  }
  const database = createDatabasePool(databaseUrl, {
    applicationName: `wayleave limits ${environment}`,
    max: 2,
    onError: (error) => log.debug({ reason: error.message }, 'a database connection broke'),
  })
  return { store: postgresLimitStore(database, environment), close: () => database.close() }
}

/** Where control reaches this process: by the machine's name when it listens on every address. */
function internalAddress(host: string, port: number): string {
  const everywhere = host === '0.0.0.0' || host === '::'
  const name = everywhere ? hostname() : host
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`
}
