import { randomUUID } from 'node:crypto'
import type { Registry } from 'prom-client'
import type { Journal } from '#journal'
import { type CertificateFiles, followCertificate } from '#platform/certificate-files'
import {
  type CertificateAuthorities,
  noAuthorities,
} from '#platform/client-certificates/certificate-authorities'
import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import { createIds } from '#platform/ids'
import type { Log } from '#platform/log'
import type { Stoppable } from '#platform/process-lifecycle'
import { recordedCorrelator } from '#platform/recorded-correlator'
import type { Sealing } from '#platform/sealing'
import type { Tracing } from '#platform/tracing'
import type { ApiEntry, ConsentRegister, SnapshotFollower } from '#snapshot'
import { createConcluder } from './conclude-exchange.ts'
import { createKnownConsents } from './consent/known-consents.ts'
import { createBinding } from './credentials/binding.ts'
import type { ProofLedger } from './credentials/proof-ledger.ts'
import { TokenVerifier } from './credentials/token-verifier.ts'
import type { HostNames } from './edge/accepted-hosts.ts'
import { ConnectionCaps, connectionsWithin, openFilesOfProcess } from './edge/connection-caps.ts'
import { CrossOrigins } from './edge/cross-origins.ts'
import { drain } from './edge/drain.ts'
import { createEdgeMetrics } from './edge/edge-metrics.ts'
import { createHttpListener } from './edge/http-listener.ts'
import type { Handle } from './edge/messages.ts'
import { Router, type Routes } from './edge/router.ts'
import { Exchange } from './exchange.ts'
import { createFeed } from './feed.ts'
import type { GatewayContext, Target } from './gateway-context.ts'
import { defaultLimits, type GatewayLimits } from './gateway-limits.ts'
import { ContractLimits } from './limits/contract-limits.ts'
import type { KeptMembers } from './limits/kept-members.ts'
import { LimitNode } from './limits/limit-node.ts'
import type { LimitStore } from './limits/limit-store.ts'
import { Pressure, type Strain, strainOfProcess } from './limits/pressure.ts'
import type { QuotaLedger } from './limits/quota-ledger.ts'
import { createGatewayMetrics, observeConnections } from './observation/gateway-metrics.ts'
import { GatewayTraces } from './observation/gateway-traces.ts'
import type { LiveTail } from './observation/live-tail.ts'
import { createLogThrottle } from './observation/log-throttle.ts'
import { ApiValidators } from './payload/api-validators.ts'
import { enableLinearPatterns } from './payload/linear-pattern.ts'
import type { PayloadStore } from './payload/payload-store.ts'
import { ResourceOwners } from './payload/resource-owners.ts'
import { type ResponseViolation, ViolationReport } from './payload/violation-report.ts'
import { advance, arrivalChain, targetOf } from './pipeline.ts'
import { SnapshotIndex } from './snapshot-index.ts'
import { createUpstreams, type UpstreamOptions } from './upstreams/create-upstreams.ts'
import { describeUpstream, type UpstreamReport } from './upstreams/describe-upstreams.ts'
import { ResponseCache } from './upstreams/response-cache.ts'
import { VersionNotices } from './version-notices.ts'

/** @public */
export type GatewayOptions = {
  environment: Environment
  listen: { host: string; port: number }
  /** the address with TLS 1.3; `key` and `cert` are PEM texts, and are followed when they come from `files` */
  tls?:
    | {
        host: string
        port: number
        key: string
        cert: string
        files?: CertificateFiles | undefined
      }
    | undefined
  /** the one issuer whose tokens are accepted: `<authorization url>/<environment>` */
  issuer: string
  /** what a token's `aud` must name: the public URL of this environment's gateway */
  audience: string
  /** the public URL of the portal: where partners read about a version that comes to its end */
  portalUrl?: string | undefined
  /** the public URL of the address with TLS; without it it is that of the other one */
  tlsUrl?: string | undefined
  /** the keys of this environment's gateways */
  sealing: Sealing
  /** networks whose word on the client behind them is taken */
  trustedProxies?: readonly string[]
  /** whose client certificates are accepted beside registered ones; stopped with the gateway */
  authorities?: CertificateAuthorities
  /** what this gateway may be called: requests for other hosts are refused */
  hosts: HostNames
  /** `host:port` of the other environment's gateway: a request for it is refused here */
  foreignHosts?: readonly string[]
  /** the simulated operator; never used in production */
  simulator?: { url: string; token: string } | undefined
  /** started and stopped with the gateway */
  snapshot: SnapshotFollower
  /** stopped with the gateway, after the last exchange */
  journal: Journal
  quota: QuotaLedger
  /** where rates and concurrency are shared with other gateways; without it this is the only one. Stopped with the gateway */
  limitStore?: LimitStore | undefined
  /** how many others there were before it started */
  keptMembers?: KeptMembers | undefined
  /** stopped with the gateway */
  payloads: PayloadStore
  proofs: ProofLedger
  consents: ConsentRegister
  registry: Registry
  log: Log
  clock: Clock
  limits?: Partial<GatewayLimits>
  /** how busy this process is; measured when absent */
  strain?: () => Strain
  /** how upstreams are reached, beside what their APIs say */
  upstreams?: UpstreamOptions
  /** where calls can be watched; it ends with the gateway */
  tail?: LiveTail | undefined
  /** where spans go, and for which part of the calls; stopped by whoever made it */
  traces?: { tracing: Tracing; share: number } | undefined
}

/** @public */
export interface Gateway extends Stoppable {
  /** Resolves when the snapshot is loaded and the addresses are open. */
  start(): Promise<void>
  /**
   * Drains: not ready, no new connections, requests finish (`Connection: close`), leased quota goes back, the journal
   * is sealed and shipped.
   */
  stop(): Promise<void>
  ready(): boolean
  /** how upstreams depart from their documents, the latest first; no value of an answer is in it */
  violations(): ResponseViolation[]
  /** where each API is served from, and how that is going */
  upstreams(): UpstreamReport[]
  port(): number
  tlsPort(): number | undefined
}

const journalStopMs = 5_000

/**
 * The data plane of one environment: receives partners' calls, applies every policy, calls the upstream, writes the
 * exchange down, and answers.
 * @public
 */
export function createGateway(options: GatewayOptions): Gateway {
  enableLinearPatterns()
  const { log, snapshot, journal } = options
  const limits = { ...defaultLimits, ...options.limits }
  const index = new SnapshotIndex({
    log,
    onApi: (id, entry) => publications.put(id, entry),
    onKeys: () => context.tokens.forget(),
  })
  const context = createContext(options, limits, index)
  const publications = publisher(context)
  const handle = createHandler(context, options.clock)
  const events = createEdgeMetrics(options.registry, context.metrics.refusedConnection)
  const { monotonicMs, nowMs } = context
  const common = { limits, handle, events, monotonicMs, nowMs, caps: capsOf(context) }
  const plain = createHttpListener({ ...options.listen, ...common, tls: undefined })
  const { tls } = options
  const secure = tls && createHttpListener({ host: tls.host, port: tls.port, tls, ...common })
  observeConnections(options.registry, { http: plain, https: secure })
  let open = false
  let renewal: { stop(): void } | undefined
  return {
    async start() {
      await snapshot.start((changes, complete) => {
        index.apply(changes, complete)
        publications.flush()
      })
      // Limits are shared from the first call on: whoever decided alone until now is waited for.
      await context.contractLimits.start()
      context.pressure.start()
      await plain.start()
      await secure?.start()
      open = true
      if (secure !== undefined && tls?.files !== undefined) {
        const use = secure.useCertificate
        renewal = followCertificate({ files: tls.files, present: tls, use, log })
      }
    },
    async stop() {
      renewal?.stop()
      await drain(context, secure === undefined ? [plain] : [plain, secure])
      await unattended(context)
      publications.stop()
      await snapshot.stop()
      await context.contractLimits.stop()
      context.pressure.stop()
      await context.upstreams.stop()
      options.payloads.stop()
      context.binding.authorities.stop()
      options.tail?.stop()
      await journal.stop(journalStopMs)
    },
    ready: () =>
      open && !context.draining && (journal.healthy() || limits.unrecorded === 'serve-free'),
    violations: () => context.violations.list(),
    upstreams: () =>
      Array.from(context.upstreams.all(), (served) =>
        describeUpstream(served, context.monotonicMs()),
      ),
    port: () => plain.port(),
    tlsPort: () => secure?.port(),
  }
}

/** what a gateway has open besides connections: calls to upstreams, and the journal, the database and the log */
const otherFiles = 512

const capsOf = ({ limits, binding }: GatewayContext): ConnectionCaps =>
  new ConnectionCaps({
    perAddress: limits.connectionsPerAddress,
    inAll: connectionsWithin(openFilesOfProcess(), limits.inFlight + otherFiles),
    isProxy: (socket) => binding.proxies.trusts({ socket }),
  })

/** Writes whose clients left go on to their end, which comes by the deadline of their upstream call. */
async function unattended(context: GatewayContext): Promise<void> {
  const endMs = context.monotonicMs() + context.limits.drainMs
  while (context.inFlight > 0 && context.monotonicMs() < endMs)
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
}

function createContext(
  options: GatewayOptions,
  limits: GatewayLimits,
  index: SnapshotIndex,
): GatewayContext {
  const { environment, log, clock, journal, snapshot } = options
  const monotonicMs = (): number => performance.now()
  // Before everything else that is counted: what is published no more is forgotten before it is shown.
  const metrics = createGatewayMetrics(options.registry, {
    inFlight: () => context.inFlight,
    heldBytes: () => context.heldBytes,
    journalHealthy: () => journal.healthy(),
    journalBacklog: () => journal.backlog(),
    revision: () => snapshot.revision(),
    snapshotAgeMs: () => snapshot.ageMs(),
    limitMode: () => context.contractLimits.node.mode,
    limitMembers: () => context.contractLimits.node.members,
    traces: () => options.traces?.tracing.counters(),
  })
  const context: GatewayContext = {
    environment,
    limits,
    index,
    feed: createFeed(snapshot, log, monotonicMs),
    tokens: new TokenVerifier({
      issuer: options.issuer,
      audience: options.audience,
      keyOf: (id) => index.key(id),
    }),
    consents: createKnownConsents({
      register: options.consents,
      environment,
      index,
      nowMs: () => clock.now().getTime(),
      monotonicMs,
    }),
    sealing: options.sealing,
    payloads: options.payloads,
    owners: new ResourceOwners(options.payloads, options.sealing),
    binding: createBinding({
      authorities: options.authorities ?? noAuthorities,
      trustedProxies: options.trustedProxies ?? [],
      ledger: options.proofs,
      urls: { plain: options.audience, secure: options.tlsUrl ?? options.audience },
      registry: options.registry,
    }),
    contractLimits: createLimits(options, monotonicMs),
    ...createUpstreams({ ...options, limits, monotonicMs }),
    pressure: new Pressure({
      longestDelayMs: limits.eventLoopDelayMs,
      settleMs: limits.settleMs,
      strain: options.strain ?? strainOfProcess(),
      monotonicMs,
    }),
    responses: new ResponseCache(limits.cachedBytes),
    // By construction: production cannot name the simulated operator, whatever a document says.
    simulator: environment === 'sandbox' ? options.simulator : undefined,
    journal,
    metrics,
    violations: new ViolationReport(
      () => clock.now().getTime(),
      (...labels) => context.metrics.violated(...labels),
    ),
    tail: options.tail,
    traces:
      options.traces &&
      new GatewayTraces(
        { ...options.traces, environment, host: new URL(options.audience).hostname },
        monotonicMs,
      ),
    versions: new VersionNotices({ gateway: options.audience, portal: options.portalUrl }),
    log,
    hosts: options.hosts,
    foreignHosts: new Set(options.foreignHosts?.map((host) => host.toLowerCase())),
    crossOrigins: new CrossOrigins(),
    nowMs: () => clock.now().getTime(),
    monotonicMs,
    router: new Router<Target>([]),
    inFlight: 0,
    lastArrivalMs: Number.NEGATIVE_INFINITY,
    heldBytes: 0,
    draining: false,
  }
  return context
}

function createLimits(
  { limitStore: store, keptMembers: kept, quota, log }: GatewayOptions,
  monotonicMs: () => number,
): ContractLimits {
  const node = new LimitNode({ store, kept, member: randomUUID(), log, monotonicMs })
  return new ContractLimits(quota, node, log, monotonicMs)
}

function createHandler(context: GatewayContext, clock: Clock): Handle {
  const arrival = arrivalChain(context)
  const throttle = createLogThrottle(context.log, context.monotonicMs, (correlator) =>
    recordedCorrelator(correlator, context.sealing),
  )
  const concluder = createConcluder(context, throttle)
  let arrived = clock.now()
  const newId = createIds({ now: () => arrived })
  const resume: ConstructorParameters<typeof Exchange>[0]['resume'] = (exchange, refusal) => {
    if (exchange.settled) return
    exchange.trace?.endWait(context.monotonicMs())
    const rule = exchange.chain[exchange.position - 1]?.name ?? ''
    if (refusal !== undefined) concluder.conclude(exchange, refusal, rule)
    else advance(context, exchange, concluder.conclude)
  }
  return (request, response, { secure, expectsContinue, connection }) => {
    context.inFlight += 1
    arrived = clock.now()
    const exchange = new Exchange({
      request,
      response,
      id: newId('exchange'),
      at: arrived.getTime(),
      startedMs: context.monotonicMs(),
      secure,
      expectsContinue,
      connection,
      chain: arrival,
      resume,
      proxies: context.binding.proxies,
    })
    context.lastArrivalMs = exchange.startedMs
    response.on('close', () => {
      exchange.closed = true
      const leave = (): void => {
        context.inFlight -= 1
        context.heldBytes -= exchange.heldBytes
        exchange.heldBytes = 0
        if (exchange.holdsSlot) exchange.use?.leave(context.monotonicMs())
      }
      // A write that others may ask about goes on to its end without its client.
      if (exchange.completes && !exchange.settled) exchange.concluded = leave
      else leave()
      if (!exchange.settled && !exchange.completes) concluder.abandon(exchange)
    })
    advance(context, exchange, concluder.conclude)
  }
}

const warmUpEveryMs = 10

/** Keeps the router true to the published APIs, and compiles their validators while there is nothing else to do. */
function publisher(context: GatewayContext): {
  put(id: string, entry: ApiEntry | undefined): void
  flush(): void
  stop(): void
} {
  const apis = new Map<string, Routes<Target>>()
  let changed = false
  const cold: { api: ApiEntry; steps: Generator<void> }[] = []
  let timer: NodeJS.Timeout | undefined
  const warm = (): void => {
    timer = undefined
    const next = cold[0]
    if (next === undefined) return
    try {
      if (next.steps.next().done === true) cold.shift()
    } catch (error) {
      cold.shift()
      const { id, owner } = next.api
      context.log.error({ err: error, api: id, owner }, 'a published schema cannot be compiled')
    }
    timer = setTimeout(warm, warmUpEveryMs).unref()
  }
  return {
    put(id, entry) {
      changed = true
      context.versions.put(id, entry)
      context.crossOrigins.put(id, entry)
      if (entry === undefined || entry.lifecycle === 'draft') {
        context.upstreams.drop(id)
        apis.delete(id)
        return
      }
      const validators = new ApiValidators(entry)
      const operations = entry.operations.map((documented) => {
        const name = `${entry.id} ${documented.operationId}`
        const metrics = context.metrics.operation(entry.id, documented.operationId)
        const target = targetOf(context, { api: entry, documented, name, validators, metrics })
        return { method: documented.method, path: documented.path, target }
      })
      const retired = entry.lifecycle === 'retired'
      apis.set(id, { basePath: entry.basePath, retired, operations })
      if (retired) context.upstreams.drop(id)
      else cold.push({ api: entry, steps: validators.warmUp() })
    },
    flush() {
      if (!changed) return
      changed = false
      context.router = new Router(apis.values())
      context.metrics.published(operationsOf(apis))
      timer ??= setTimeout(warm, warmUpEveryMs).unref()
    },
    stop() {
      clearTimeout(timer)
      cold.length = 0
    },
  }
}

/** What is counted under its own name: a version that is retired answers, and has no operation any more. */
const operationsOf = (
  apis: ReadonlyMap<string, Routes<Target>>,
): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map(
    [...apis].map(([id, { operations }]) => [
      id,
      new Set(operations.map(({ target }) => target.operation.documented.operationId)),
    ]),
  )
