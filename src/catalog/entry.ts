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
  /** what the operator decided about it in the product manifest; absent means the default, which is the strict one */
  terms?: OperationTerms
}

/**
 * What an operator decides about one operation beyond its document. Everything is optional, and what is absent is the
 * default that its comment names.
 * @public
 */
export type OperationTerms = {
  /** how a caller may show who it is, any one of these; default: access tokens only */
  credentials?: readonly ('access-token' | 'api-key')[]
  /** whether the connection must carry a registered client certificate; default false */
  clientCertificate?: boolean
  /** whether an access token must be bound to a certificate (RFC 8705) or a key (RFC 9449); default false */
  senderConstrained?: boolean
  /** how much one call takes of rates and quota; default 1 */
  weight?: number
  /** what happens to a response with undeclared fields or other violations; default `strip` */
  responses?: 'report' | 'strip' | 'refuse'
  /** the deadline of the operation, in milliseconds; default: the one of the API */
  timeoutMs?: number
  /** whether it changes nothing although its method is POST: it may then be retried and cached; default: GET only */
  safe?: boolean
  /** how long a response may be served again to the same contract, application and subject; default: never */
  cacheSeconds?: number
  /** that it is cached although it is about a person: nothing personal is without it; default false */
  cachePersonal?: boolean
  /** whether a write needs an Idempotency-Key; default `optional`: it is honoured when it is there */
  idempotency?: 'optional' | 'required' | 'none'
  /** how the subscriber of a call is named; default: found from the request schema. @see SubjectRule */
  subject?: SubjectRule
  /** what of a response is personal or masked. @see FieldMask */
  masks?: readonly FieldMask[]
  /** the resource that the operation makes or names. @see ResourceRule */
  resource?: ResourceRule
  /** things of other APIs that the path names; each must be the caller's, as one of the kinds that may be meant */
  named?: readonly { parameter: string; kinds: readonly ThingKind[] }[]
}

/**
 * A kind of things. `nested`: its ids are numbered anew within what the thing is a part of, which these path parameters
 * name, the outermost first.
 * @public
 */
export type ThingKind = { name: string; nested?: readonly string[] }

/**
 * Whom a call is about (CAMARA Commonalities, 422 rules). `identifier`: the body names the subscriber with a 2-legged
 * token and must not with a 3-legged one; `compared`: the body's identifier is compared with the token's subject;
 * `always`: the body names it whatever the token is; `none`: nobody.
 * @public
 */
export type SubjectRule = {
  kind: 'identifier' | 'compared' | 'always' | 'none'
  /** a field path of the request body, such as `phoneNumber`, `device` or `amountTransaction.phoneNumber` */
  field?: string
}

/**
 * One field of a response: where it is (`device.phoneNumber`, `items[].owner.name`, `*` for any member) and what is done
 * to it. A scope or a contract that reveals it lets it pass.
 * @public
 */
export type FieldMask = {
  field: string
  action: 'remove' | 'mask' | 'hash' | 'coarsen' | 'pass'
  /** metres of the grid that `coarsen` rounds a location to; default 1 000 */
  gridMetres?: number
  /** scopes of the token, any of which reveals the field */
  revealedBy?: readonly string[]
}

/**
 * A stored thing (a payment, a session): only the application that made it, and with a 3-legged token the same
 * subscriber, may see it (CAMARA Commonalities, resource isolation).
 * @public
 */
export type ResourceRule = {
  /** `create`: its id is at `field` of the response; `access`: it is named by the path parameter `parameter`; `list`: ids
   * are at `field` of each of `items` */
  role: 'create' | 'access' | 'list'
  /** a name that create, access and list of one resource share, such as `payment`; `carrier-billing/payment` is one of another API */
  name: string
  field?: string
  parameter?: string
  /** path of the array in a list's response; the body itself when it is empty */
  items?: string
  /** the thing that it is a part of, named by a path parameter: it must be the caller's, too */
  within?: ThingKind & { parameter: string }
  /** @see ThingKind */
  nested?: readonly string[]
  /** that the document says so and not the manifest: what contradicts it is reported and not refused */
  derived?: true
}

/** One place that an API is served from. @public */
export type UpstreamTarget = {
  url: string
  /** its part of the calls among its peers; default 1 */
  weight?: number
}

/**
 * Where a gateway finds the operation; `none` is an API that this environment does not serve yet.
 * @public
 */
export type ApiUpstream =
  | ({ kind: 'http'; targets: readonly UpstreamTarget[]; timeoutMs: number } & UpstreamCare)
  | ({ kind: 'function'; function: FunctionTarget; timeoutMs: number } & UpstreamCare)
  | { kind: 'simulated'; timeoutMs: number }
  /** a service of this platform itself, such as consent-info */
  | { kind: 'platform'; timeoutMs: number }
  | { kind: 'none'; timeoutMs: number }

/** A function that is called by the Invoke API of AWS Lambda, with a payload of version 2.0. @public */
export type FunctionTarget = {
  /** name or ARN */
  name: string
  region: string
  /** the address of the Invoke API when it is not AWS's own */
  endpoint?: string
  /** an alias or version */
  qualifier?: string
}

/** @public */
export type UpstreamCare = {
  /** asked of each target; a target that fails `unhealthyAfter` times in a row gets no calls until it answers again */
  health?: { path: string; intervalSeconds: number; timeoutMs: number; unhealthyAfter: number }
  breaker?: { failures: number; openSeconds: number }
  /** a part of the calls goes to another place, and none any more when it fails more often than is allowed */
  canary?: {
    url: string
    /** per cent of the calls, 0 to 100 */
    percent: number
    /** taken back when more than this per cent of its last calls failed and the stable one did better */
    maxErrorPercent: number
    /** calls that must have been seen before it is judged */
    minCalls: number
  }
  /** a part of the safe calls is also sent there, and its responses compared and reported */
  shadow?: {
    url: string
    percent: number
    /** fields that are expected to differ */
    ignore: readonly string[]
    /** fields that may differ by this much */
    tolerances: Readonly<Record<string, number>>
  }
}

/** When partners should leave a version, and where to go. @public */
export type Retirement = {
  /** RFC 3339; since when or from when it is deprecated (RFC 9745) */
  deprecatedAt?: string
  /** RFC 3339; when it stops to answer (RFC 8594) */
  sunsetAt?: string
  /** the API version to move to: `sim-swap/v3` */
  successor?: string
}

/** @public */
export type ConsentBasis = 'contract' | 'legitimate-interest' | 'consent'

/** Why personal data may be given out; `not-allowed`: the operator does not offer it. @public */
export type LegalBasis = {
  basis: ConsentBasis | 'not-allowed'
  /** how long a consent lasts */
  expiresAfterDays?: number
  /** how many tokens one consent is good for */
  maxTokens?: number
}

/** The legal bases of one scope. @public */
export type ScopeBases = {
  /** by purpose, `dpv:…` */
  purposes: Readonly<Record<string, LegalBasis>>
  /** of every other known purpose; absent: it is not allowed for them */
  other?: LegalBasis
  /** of a token that names no purpose: the strictest of all that are allowed */
  none: LegalBasis
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
  /** the strictest legal basis of any scope and purpose; each one's own is in `bases` */
  consent?: ConsentBasis
  /** by scope; absent in an entry of an older compiler, where `consent` holds for everything */
  bases?: Readonly<Record<string, ScopeBases>>
  /** what a contract may ask of this API, beside the limits of its plan */
  rate?: readonly { limit: number; windowSeconds: number }[]
  upstream: ApiUpstream
  retirement?: Retirement
  /** web origins that may call from a browser; default none */
  cors?: { origins: readonly string[]; maxAgeSeconds: number }
  operations: readonly SnapshotOperation[]
  schemas: Readonly<Record<string, JsonSchema>>
}
