import type { ApiEntry } from '#catalog'
import type { Environment } from '#platform/config'

/**
 * What a gateway serves from: flat entries of one environment, each with the revision of its last change. An entry is
 * compiled by the control side and complete: a gateway never asks a module.
 */

export type {
  ApiEntry,
  JsonSchema,
  SnapshotExample,
  SnapshotOperation,
  SnapshotParameter,
  SnapshotResponse,
} from '#catalog'

/** @public */
export type ApplicationEntry = {
  kind: 'application'
  /** `app_…` */
  id: string
  clientId: string
  partnerId: string
  state: 'active' | 'suspended'
  /** a token whose credential is not among these is refused: a deleted secret ends its tokens */
  credentialIds: readonly string[]
}

/** @public */
export type RateLimit = { limit: number; windowSeconds: number }
/** @public */
export type Quota = { limit: number; period: 'day' | 'month' }

/** @public */
export type ContractEntry = {
  kind: 'contract'
  /** `ctr_…` */
  id: string
  partnerId: string
  planId: string
  tier: 'free' | 'paid' | 'enterprise'
  state: 'active' | 'suspended' | 'ended'
  timeZone: string
  rate: readonly RateLimit[]
  quota: Quota | undefined
}

/**
 * What a plan asks for a call: once for all contracts on it, so that a new price is one change.
 * @public
 */
export type PlanEntry = {
  kind: 'plan'
  /** `pln_…` */
  id: string
  currency: string
  /** the price version in force, by API version id (`sim-swap/v2`) or `*` */
  prices: Readonly<Record<string, string>>
}

/** @public */
export type SubscriptionEntry = {
  kind: 'subscription'
  /** `sub_…` */
  id: string
  applicationId: string
  contractId: string
  /** `sim-swap/v2` */
  apiId: string
  state: 'active' | 'suspended'
}

/**
 * A key that access tokens of this environment may be signed with.
 * @public
 */
export type KeyEntry = {
  kind: 'key'
  /** the `kid` */
  id: string
  issuer: string
  jwk: Readonly<Record<string, unknown>>
}

/** @public */
export type SnapshotEntry =
  | ApiEntry
  | ApplicationEntry
  | ContractEntry
  | PlanEntry
  | SubscriptionEntry
  | KeyEntry
/** @public */
export type SnapshotKind = SnapshotEntry['kind']

/**
 * One change of the feed; `entry` is undefined when the thing is gone.
 * @public
 */
export type SnapshotChange = {
  environment: Environment
  revision: number
  kind: SnapshotKind
  id: string
  entry: SnapshotEntry | undefined
}
