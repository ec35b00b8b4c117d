import type { Journal } from '#journal'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import type { Sealing } from '#platform/sealing'
import type { ContractLimits } from './contract-limits.ts'
import type { Policy } from './exchange.ts'
import type { Feed } from './feed.ts'
import type { GatewayLimits } from './gateway-limits.ts'
import type { GatewayMetrics } from './gateway-metrics.ts'
import type { Operation } from './operation.ts'
import type { Router } from './router.ts'
import type { SnapshotIndex } from './snapshot-index.ts'
import type { TokenVerifier } from './token-verifier.ts'
import type { Upstreams } from './upstreams.ts'

/** An operation and the rules that its requests pass. */
export type Target = { operation: Operation; chain: readonly Policy[] }

/** What the policies of one gateway share. Counters are written by the pipeline only. */
export type GatewayContext = {
  readonly environment: Environment
  readonly limits: GatewayLimits
import type { VersionNotices } from './version-notices.ts'
import type { ViolationReport } from './violation-report.ts'
  readonly index: SnapshotIndex
  readonly feed: Feed
  readonly tokens: TokenVerifier
  /** the keys of this environment's gateways, from which control computes the same hashes and pseudonyms */
  readonly sealing: Sealing
  readonly contractLimits: ContractLimits
  readonly upstreams: Upstreams
  readonly simulator: { url: string; token: string } | undefined
  readonly journal: Journal
  readonly metrics: GatewayMetrics
  readonly log: Log
  /** hosts that belong to the other environment: a request for one of them came to the wrong door */
  readonly foreignHosts: ReadonlySet<string>
  readonly nowMs: () => number
  readonly monotonicMs: () => number
  router: Router<Target>
  inFlight: number
  heldBytes: number
  draining: boolean
}

/** Makes a policy for the whole gateway, before an operation is known. */
  /** of versions that come to their end */
  readonly versions: VersionNotices
  readonly violations: ViolationReport
  readonly payloads: PayloadStore
  readonly owners: ResourceOwners
  /** where the operator watches calls as they happen */
  readonly tail: LiveTail | undefined
  /** only where traces are collected */
  readonly traces: GatewayTraces | undefined
export type ArrivalPolicy = (context: GatewayContext) => Policy
/** Makes a policy for one operation; undefined when that operation does not need it. */
export type OperationPolicy = (context: GatewayContext, operation: Operation) => Policy | undefined
