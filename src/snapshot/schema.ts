import type { ApiEntry } from '#catalog'
import type { ContractSnapshot, PlanSnapshot, SubscriptionSnapshot } from '#contracts'
import type { ApplicationSnapshot } from '#partners'
import type { Environment } from '#platform/config'

/**
 * What a gateway serves from: flat entries of one environment, each with the revision of its last change. An entry is
 * compiled by the control side and complete: a gateway never asks a module.
 */

export type {
  ApiEntry,
  ApiUpstream,
  FieldMask,
  FunctionTarget,
  JsonSchema,
  OperationTerms,
  ResourceRule,
  Retirement,
  SnapshotExample,
  SnapshotOperation,
  SnapshotParameter,
  SnapshotResponse,
  SubjectRule,
  UpstreamCare,
  UpstreamTarget,
} from '#catalog'

export type {
  ContractMask,
  ContractSnapshot as ContractEntry,
  PlanSnapshot as PlanEntry,
  Quota,
  RateLimit,
  Spike,
  SubscriptionSnapshot as SubscriptionEntry,
} from '#contracts'
export type { ApplicationCertificate, ApplicationSnapshot as ApplicationEntry } from '#partners'

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

/**
 * What no token may rest on any more: a withdrawn consent (`cns_…`), an ended grant (`gnt_…`), one token (`jti:…`), or
 * what a subscriber objected to (`obj:…`).
 * @public
 */
export type RevocationEntry = {
  kind: 'revocation'
  id: string
  /** RFC 3339; after it no token can name it. Absent for what stands until it is taken back. */
  until?: string
}

/** @public */
export type SnapshotEntry =
  | ApiEntry
  | ApplicationSnapshot
  | ContractSnapshot
  | PlanSnapshot
  | SubscriptionSnapshot
  | KeyEntry
  | RevocationEntry
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
