/**
 * What the compiler makes of an API version for a gateway: flat, complete, without a reference to anything outside it.
 */

/** A JSON Schema (draft 2020-12); its references point into `ApiEntry.schemas` as `#/$defs/Name`. @public */
export type JsonSchema = { readonly [keyword: string]: unknown } | boolean

/** @public */
export type SnapshotParameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: JsonSchema
  /** only when it is not the default of OpenAPI: `form` in a query, `simple` elsewhere */
  style?: string
  /** only when it is not the default of OpenAPI: `true` for `form`, `false` elsewhere */
  explode?: boolean
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

/** Where a gateway finds the operation; `none` is an API that this environment does not serve yet. @public */
export type ApiUpstream =
  | { kind: 'http'; url: string; timeoutMs: number }
  | { kind: 'simulated'; timeoutMs: number }
  | { kind: 'none'; timeoutMs: number }

/** @public */
export type ConsentBasis = 'contract' | 'legitimate-interest' | 'consent'

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
  /** the legal basis of processing: `consent` means that no production call may pass without a live consent */
  consent?: ConsentBasis
  /** what a contract may ask of this API, beside the limits of its plan */
  rate?: readonly { limit: number; windowSeconds: number }[]
  upstream: ApiUpstream
  operations: readonly SnapshotOperation[]
  schemas: Readonly<Record<string, JsonSchema>>
}
