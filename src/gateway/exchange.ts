import type { TrustedProxies } from '#platform/trusted-proxies'
import type { ApplicationEntry, ContractEntry } from '#snapshot'
import type { AccessToken } from './credentials/token-verifier.ts'
import type { Connection } from './edge/connection.ts'
import type { GatewayRequest, GatewayResponse } from './edge/messages.ts'
import type { QueryPart } from './edge/query-string.ts'
import type { QuotaUnit } from './limits/contract-quota.ts'
import type { ContractUse } from './limits/contract-use.ts'
import type { ExchangeTrace } from './observation/exchange-trace.ts'
import type { Operation } from './operation.ts'
import type { Claim } from './payload/idempotency-claim.ts'
import type { Refusal } from './refusal.ts'

/** A policy that has begun something asynchronous returns this, and calls `exchange.resume` once when it is done. */
export const pending = Symbol('pending')

/** What a policy says: go on (undefined), no (a refusal), or wait. */
export type Outcome = Refusal | typeof pending | undefined

/** One rule of the pipeline. Rules run in order, in the same turn of the event loop unless one is pending. */
export type Policy = {
  readonly name: string
  readonly apply: (exchange: Exchange) => Outcome
}

/** What an upstream answered, whole. */
export type UpstreamResponse = {
  status: number
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

/** The legal basis of one call; `consents` and `grant` are ids. */
export type ExchangeLegal = {
  basis: string
  purpose: string | undefined
  /** those that this basis is for; empty where it is that of the whole API */
  scopes: readonly string[] | undefined
  consents: readonly string[] | undefined
  grant: string | undefined
}

const noBytes = Buffer.alloc(0)

/**
 * One request and its response on their way through the pipeline. Each policy reads what earlier ones wrote; a field
 * that no policy has written yet is undefined.
 */
export class Exchange {
  readonly request: GatewayRequest
  readonly response: GatewayResponse
  readonly id: string
  /** wall clock, milliseconds since 1970 */
  readonly at: number
  /** monotonic, milliseconds */
  readonly startedMs: number
  readonly secure: boolean
  /** whether the client waits for `100 Continue` before it sends its body */
  readonly expectsContinue: boolean
  /** of HTTP/1.1; undefined in HTTP/2 */
  readonly connection: Connection | undefined
  /** which request of its connection this is */
  readonly ordinal: number

  chain: readonly Policy[]
  position = 0
  /** rules that had nothing to do, from this place up to that one: what they would find out was known */
  skipped: readonly [from: number, to: number] | undefined
  /** whether the answer is decided: nothing after that changes it */
  settled = false
  closed = false

  correlator = ''
  path = ''
  query = ''
  parameters: Readonly<Record<string, string>> = {}
  queryParts: readonly QueryPart[] = []
  operation: Operation | undefined
  token: AccessToken | undefined
  application: ApplicationEntry | undefined
  contract: ContractEntry | undefined
  credential: 'access-token' | 'api-key' | undefined
  credentialId: string | undefined
  /** whether the token came with the DPoP scheme; `tokenDigest` is then its SHA-256, as binary text */
  isDpop = false
  tokenDigest = ''
  bound: 'certificate' | 'dpop' | undefined
  /** W3C trace id: the one that the caller sent, or that of the spans of this call */
  traceId: string | undefined
  /** the fields that an upstream is told; @see ExchangeTrace for its attempts */
  traceparent: string | undefined
  tracestate: string | undefined
  /** only where traces are collected */
  trace: ExchangeTrace | undefined
  /** keyed pseudonym of the subscriber that the call is about */
  subject: string | undefined
  /** on what a call about a person rests */
  legal: ExchangeLegal | undefined
  /** what an Idempotency-Key did */
  idempotency: 'kept' | 'replayed' | undefined
  /** paths of the response fields that were masked */
  masked: readonly string[] | undefined
  stripped = false
  /** whether the answer passed although its document does not allow it */
  undocumented = false
  /** response fields that tell of the end of this API version */
  announcement: readonly string[] | undefined
  /** where it was served: `primary`, `canary`, `cache` or the name of a target */
  upstreamName: string | undefined
  use: ContractUse | undefined
  quotaUnit: QuotaUnit | undefined
  /** whether it is one of the calls of its contract that may be under way at the same moment */
  holdsSlot = false
  contentType: string | undefined
  body: Buffer = noBytes
  /** the parsed body, once it was found valid */
  requestJson: unknown
  /** number of the subscriber that a 3-legged token names, for the upstream only: never logged, never journalled */
  upstreamSubject: string | undefined
  /** the place that an Idempotency-Key has in the store of answers */
  claim: Claim | undefined
  /** whether it goes on to its end when the client leaves, because what it does would otherwise be lost */
  completes = false
  /** called when it has come to its end without its client */
  concluded: (() => void) | undefined
  /** whether the request may have arrived at an upstream */
  reached = false
  /** bytes of bodies that count towards the whole gateway's bound */
  heldBytes = 0
  upstream: UpstreamResponse | undefined
  upstreamStartedMs = 0
  upstreamMs: number | undefined
  /**
   * The call that is under way. An object and not a closure: with a new closure stored here for each request, V8 keeps
   * whole exchanges alive until its next full collection, and spends a fifth of the time on collecting.
   */
  upstreamCall: { cancel(): void } | undefined
  /** where a canary is tried: what hears whether the answer was usable */
  canaryCall: { judged(usable: boolean): void } | undefined
  /** under which its answer may be kept */
  cacheKey: string | undefined
  /** the same calls wait for this one, which must say when it is over */
  flight: { end(stored: boolean): void } | undefined
  /** monotonic; when the upstream's time is over, where that began before the upstream was called */
  upstreamEndMs: number | undefined

  status = 0
  code: string | undefined
  refusedBy: string | undefined
  /** why the platform or an upstream failed, in fixed words; for the operator */
  reason: string | undefined
  /** response headers besides those that every answer has, name and value in turn */
  responseHeaders: string[] = []
  responseBody: Buffer | string = noBytes
  /** the parsed body of the answer, as long as it says the same as `responseBody` */
  responseJson: { value: unknown } | undefined
  /** the answer before it was made this caller's own, where it is kept for a repeated request */
  unmasked: { body: Buffer | string; headers: readonly string[] } | undefined
  responseBytes = 0
  /** whether the connection ends with this answer */
  closes = false

  #resume: (exchange: Exchange, outcome: Refusal | undefined) => void
  #proxies: TrustedProxies

  constructor(options: {
    request: GatewayRequest
    response: GatewayResponse
    id: string
    at: number
    startedMs: number
    secure: boolean
    expectsContinue: boolean
    connection: Connection | undefined
    chain: readonly Policy[]
    resume: (exchange: Exchange, outcome: Refusal | undefined) => void
    proxies: TrustedProxies
  }) {
    this.request = options.request
    this.response = options.response
    this.id = options.id
    this.at = options.at
    this.startedMs = options.startedMs
    this.secure = options.secure
    this.expectsContinue = options.expectsContinue
    this.connection = options.connection
    this.ordinal = options.connection?.requests ?? 0
    this.chain = options.chain
    this.#resume = options.resume
    this.#proxies = options.proxies
  }

  /** The address of the client, also behind trusted proxies; personal data in itself, so it is never written down. */
  get clientAddress(): string {
    return this.#proxies.clientAddress(this.request)
  }

  /** Goes on with a later rule, the first one of these: what those between would find out is known. */
  skipTo(...names: readonly string[]): void {
    const at = this.chain.findIndex(({ name }) => names.includes(name))
    const to = at < 0 ? this.chain.length : at
    this.skipped = [this.position, to]
    this.position = to
  }

  /** Goes on after a pending policy: with the next one, or with this refusal. */
  resume(refusal?: Refusal): void {
    this.#resume(this, refusal)
  }
}
