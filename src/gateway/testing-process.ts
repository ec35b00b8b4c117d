import path from 'node:path'
import { openJournal } from '#journal'
import { systemClock } from '#platform/clock'
import { createDatabasePool } from '#platform/database'
import { createInternalServer } from '#platform/internal-server'
import { superviseProcess } from '#platform/process-lifecycle'
import { createTracing } from '#platform/tracing'
import type { ApiEntry, ApplicationEntry, ContractEntry, OperationTerms } from '#snapshot'
import { createConsentRegister } from '#snapshot'
import { createGateway } from './create-gateway.ts'
import { createProofLedger } from './credentials/proof-ledger.ts'
import { KeptMembers } from './limits/kept-members.ts'
import type { LimitStore } from './limits/limit-store.ts'
import { postgresLimitStore } from './limits/postgres-limit-store.ts'
import { createQuotaLedger } from './limits/quota-ledger.ts'
import { redisLimitStore } from './limits/redis-limit-store.ts'
import { LiveTail } from './observation/live-tail.ts'
import { createPayloadStore } from './payload/payload-store.ts'
import {
  application,
  audience,
  contract,
  issuer,
  manualSnapshot,
  memoryConsents,
  memoryLedger,
  memoryPayloads,
  memoryProofs,
  plan,
  sealing,
  silent,
  subscription,
  testKey,
} from './testing.ts'
import { simSwap } from './testing-entries.ts'

/**
 * What a test, or the bench, says about the gateway process that it starts.
 * @public
 */
export type ProcessSettings = {
  upstreamUrl: string
  folder: string
  gatewayId: string
  applications: number
  /** for how many of them a token is handed back */
  tokens: number
  terms: Partial<ContractEntry>
  sync: 'never' | 'interval' | 'always'
  /** the quota ledger; in memory without it */
  databaseUrl?: string
  /** where limits are shared with other gateways: in `databaseUrl`, or in Redis at this address; not shared without it */
  limits?: 'postgres' | `redis://${string}`
  /**
   * how long the stores of limits and quotas may take to answer, where a test is about what they decide: on a machine
   * that is busy with other tests they take longer than the product waits. As the product without it.
   */
  storesWithinMs?: number
  /** of how many workers it is one */
  workers?: number
  /** whether every application is of the first one's contract */
  oneContract?: boolean
  /** of the issuer, PEM; several gateways that are given one accept the same tokens */
  signingKey?: string
  /** what the operator decided about the operation */
  operation?: OperationTerms
  /** what the first application holds besides its secret */
  holds?: Pick<ApplicationEntry, 'apiKeys' | 'certificates'>
  /** claims of every token besides the usual ones */
  claims?: Record<string, unknown>
  /** the part of the calls whose spans are recorded, and then thrown away; none without it */
  tracedShare?: number
  /** given, an internal listener shows metrics, and calls as they happen for this token */
  tailToken?: string
  /** how long it says that it goes before it does */
  lameDuckMs?: number
  /** given, it has an address with TLS */
  certificate?: { key: string; cert: string }
}

/**
 * What it says when it serves.
 * @public
 */
export type ProcessReady = {
  port: number
  tlsPort?: number | undefined
  tokens: string[]
  internalPort?: number
}

const settings = JSON.parse(process.argv[2] ?? '{}') as ProcessSettings
const key = testKey('key-1', settings.signingKey)
const journal = await openJournal({
  folder: settings.folder,
  gatewayId: settings.gatewayId,
  environment: 'sandbox',
  sync: settings.sync,
  now: Date.now,
  log: silent,
})
const database =
  settings.databaseUrl === undefined
    ? undefined
    : createDatabasePool(settings.databaseUrl, { applicationName: 'wayleave test gateway' })
const stores =
  settings.storesWithinMs === undefined ? {} : { answerWithinMs: settings.storesWithinMs }
function limitStore(): LimitStore | undefined {
  if (settings.limits === undefined) return undefined
  if (settings.limits !== 'postgres')
    return redisLimitStore(settings.limits, 'sandbox', silent, stores)
  return database && postgresLimitStore(database, 'sandbox', stores)
}
const tail = new LiveTail({ token: settings.tailToken ?? '' })
const internal = createInternalServer({
  host: '127.0.0.1',
  port: 0,
  ready: () => gateway.ready(),
  handlers: { 'GET /internal/v1/tail': tail.handler },
})
/** The API of the tests, with the operation as the settings want it. */
function api(): ApiEntry {
  const entry = simSwap(settings.upstreamUrl)
  const terms = settings.operation
  if (terms === undefined) return entry
  return { ...entry, operations: entry.operations.map((operation) => ({ ...operation, terms })) }
}

const gateway = createGateway({
  environment: 'sandbox',
  listen: { host: '127.0.0.1', port: 0 },
  hosts: { names: ['gw', 'gw.example'], ownAddresses: true },
  tls: settings.certificate && { host: '127.0.0.1', port: 0, ...settings.certificate },
  limits: { lameDuckMs: settings.lameDuckMs ?? 0 },
  issuer,
  audience,
  sealing,
  ...(settings.tracedShare === undefined
    ? {}
    : {
        traces: {
          share: settings.tracedShare,
          tracing: createTracing({
            log: silent,
            sender: { send: async () => undefined, stop: async () => undefined },
          }),
        },
      }),
  snapshot: manualSnapshot([
    api(),
    key.entry,
    plan(),
    ...Array.from({ length: settings.applications }, (_, n) => [
      application(n, {
        ...(settings.oneContract === true ? { partnerId: 'prt_0' } : {}),
        ...(n === 0 ? settings.holds : {}),
      }),
      contract(n, settings.terms),
      settings.oneContract === true ? subscription(n, { contractId: 'ctr_0' }) : subscription(n),
    ]).flat(),
  ]),
  journal,
  payloads:
    database === undefined
      ? memoryPayloads()
      : createPayloadStore(database, 'sandbox', () => performance.now()),
  quota: database === undefined ? memoryLedger() : createQuotaLedger(database, 'sandbox', stores),
  limitStore: limitStore(),
  keptMembers: new KeptMembers({
    file: path.join(settings.folder, 'members'),
    workers: settings.workers ?? 1,
    log: silent,
  }),
  proofs: database === undefined ? memoryProofs() : createProofLedger(database, 'sandbox'),
  consents: database === undefined ? memoryConsents() : createConsentRegister(database, 'sandbox'),
  registry: internal.registry,
  tail,
  log: silent,
  clock: systemClock,
  // The machine of a test may be busy with other tests: that is no reason to refuse its calls.
  strain: () => ({ delayMs: 0, cpu: 0, busy: 0, heap: 0 }),
})
superviseProcess({
  log: silent,
  stop: async () => {
    await gateway.stop()
    await internal.stop()
    await database?.close()
  },
})
await gateway.start()
if (settings.tailToken !== undefined) await internal.start()
const step = Math.max(1, Math.floor(settings.applications / settings.tokens))
const ready: ProcessReady = {
  port: gateway.port(),
  tlsPort: gateway.tlsPort(),
  ...(settings.tailToken === undefined ? {} : { internalPort: internal.port() }),
  tokens: Array.from({ length: settings.tokens }, (_, i) => key.token(i * step, settings.claims)),
}
process.send?.(ready)
