import type { Environment } from '#platform/config'

/**
 * What a gateway serves from: flat entries of one environment, each with the revision of its last change. An entry is
 * compiled by the control side and complete: a gateway never asks a module.
 */

/**
 * A JSON Schema (draft 2020-12); its references point into `ApiEntry.schemas` as `#/$defs/Name`.
 * @public
 */
export type JsonSchema = { readonly [keyword: string]: unknown } | boolean

/** @public */
export type SnapshotParameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: JsonSchema
}

/** @public */
export type SnapshotExample = {
  name: string
  status: number
  mediaType: string
  /** undefined for an answer without a body */
  body: unknown
  headers: Readonly<Record<string, string>>
}

/** @public */
export type SnapshotResponse = {
  /** '200', '4XX' or 'default' */
  status: string
  /** by media type; empty when the answer has no body */
  content: Readonly<Record<string, JsonSchema>>
  headers: readonly string[]
}

/** @public */
export type SnapshotOperation = {
  operationId: string
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** OpenAPI template below the base path: `/payments/{paymentId}` */
  path: string
  /** any one of these sets of scopes is enough; an empty list means that a valid token is enough */
  scopes: readonly (readonly string[])[]
  parameters: readonly SnapshotParameter[]
  requestBody: { required: boolean; content: Readonly<Record<string, JsonSchema>> } | undefined
  responses: readonly SnapshotResponse[]
  /** valid examples of what the sandbox answers, best first: one of each documented status where there is one */
  examples: readonly SnapshotExample[]
  /** a valid example of the request body, for the explorer and the samples */
  requestExample: unknown
  /** which statuses are billed; the default is every 2xx */
  billable: 'success' | 'never'
}

/** @public */
export type ApiEntry = {
  kind: 'api'
  /** `sim-swap/v2` */
  id: string
  name: string
  version: string
  title: string
  domain: string
  lifecycle: 'draft' | 'published' | 'deprecated' | 'retired'
  owner: { team: string; contact: string }
  /** `/sim-swap/v2` */
  basePath: string
  profile: '0.6' | '0.8'
  upstream:
    | { kind: 'http'; url: string; timeoutMs: number }
    | { kind: 'simulated'; timeoutMs: number }
  operations: readonly SnapshotOperation[]
  schemas: Readonly<Record<string, JsonSchema>>
}

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
