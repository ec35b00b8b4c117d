import type { Journal } from '#journal'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import type { Sealing } from '#platform/sealing'
import type { KnownConsents } from './consent/known-consents.ts'
import type { Binding } from './credentials/binding.ts'
import type { TokenVerifier } from './credentials/token-verifier.ts'
import type { HostNames } from './edge/accepted-hosts.ts'
import type { CrossOrigins } from './edge/cross-origins.ts'
import type { Router } from './edge/router.ts'
import type { Policy } from './exchange.ts'
import type { Feed } from './feed.ts'
import type { GatewayLimits } from './gateway-limits.ts'
import type { ContractLimits } from './limits/contract-limits.ts'
import type { Pressure } from './limits/pressure.ts'
import type { GatewayMetrics } from './observation/gateway-metrics.ts'
import type { GatewayTraces } from './observation/gateway-traces.ts'
import type { LiveTail } from './observation/live-tail.ts'
import type { Operation } from './operation.ts'
import type { PayloadStore } from './payload/payload-store.ts'
import type { ResourceOwners } from './payload/resource-owners.ts'
import type { ViolationReport } from './payload/violation-report.ts'
import type { SnapshotIndex } from './snapshot-index.ts'
import type { ResponseCache } from './upstreams/response-cache.ts'
import type { UpstreamMetrics } from './upstreams/upstream-metrics.ts'
import type { Upstreams } from './upstreams/upstreams.ts'
import type { VersionNotices } from './version-notices.ts'

/** An operation and the rules that its requests pass. */
export type Target = { operation: Operation; chain: readonly Policy[] }

/** What the policies of one gateway share. Counters are written by the pipeline only. */
export type GatewayContext = {
  readonly environment: Environment
  readonly limits: GatewayLimits
  readonly index: SnapshotIndex
  readonly feed: Feed
  readonly tokens: TokenVerifier
  /** what subscribers said about 2-legged calls */
  readonly consents: KnownConsents
  /** the keys of this environment's gateways, from which control computes the same hashes and pseudonyms */
  readonly sealing: Sealing
  /** certificates, proofs and proxies */
  readonly binding: Binding
  readonly contractLimits: ContractLimits
  readonly pressure: Pressure
  readonly upstreams: Upstreams
  readonly upstreamMetrics: UpstreamMetrics
  readonly responses: ResponseCache
  readonly simulator: { url: string; token: string } | undefined
  readonly journal: Journal
  readonly metrics: GatewayMetrics
  /** of versions that come to their end */
  readonly versions: VersionNotices
  readonly violations: ViolationReport
  readonly payloads: PayloadStore
  readonly owners: ResourceOwners
  /** where the operator watches calls as they happen */
  readonly tail: LiveTail | undefined
  /** only where traces are collected */
  readonly traces: GatewayTraces | undefined
  readonly log: Log
  /** what this gateway may be called */
  readonly hosts: HostNames
  /** hosts that belong to the other environment: a request for one of them came to the wrong door */
  readonly foreignHosts: ReadonlySet<string>
  /** which APIs browsers may call, and from which pages */
  readonly crossOrigins: CrossOrigins
  readonly nowMs: () => number
  readonly monotonicMs: () => number
  router: Router<Target>
  inFlight: number
  /** when the last request came, monotonic */
  lastArrivalMs: number
  heldBytes: number
  draining: boolean
}

/** Makes a policy for the whole gateway, before an operation is known; undefined when this gateway does not need it. */
export type ArrivalPolicy = (context: GatewayContext) => Policy | undefined
/** Makes a policy for one operation; undefined when that operation does not need it. */
export type OperationPolicy = (context: GatewayContext, operation: Operation) => Policy | undefined
