import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ApplicationEntry, ContractEntry } from '#snapshot'
import type { ContractUse } from './contract-limits.ts'
import type { QuotaUnit } from './contract-quota.ts'
import type { ExchangeTrace } from './exchange-trace.ts'
import type { Operation } from './operation.ts'
import type { QueryPart } from './query-string.ts'
import type { Refusal } from './refusal.ts'
import type { AccessToken } from './token-verifier.ts'

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

const noBytes = Buffer.alloc(0)

/**
 * One request and its response on their way through the pipeline. Each policy reads what earlier ones wrote; a field
 * that no policy has written yet is undefined.
 */
export class Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly id: string
  /** wall clock, milliseconds since 1970 */
  readonly at: number
  /** monotonic, milliseconds */
  readonly startedMs: number
  readonly secure: boolean
  /** whether the client waits for `100 Continue` before it sends its body */
  readonly expectsContinue: boolean

  chain: readonly Policy[]
  position = 0
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
  bound: 'certificate' | 'dpop' | undefined
  /** W3C trace id, when the call is traced */
  traceId: string | undefined
  /** the fields that an upstream is told; @see ExchangeTrace for its attempts */
  traceparent: string | undefined
  tracestate: string | undefined
  /** only where traces are collected */
  trace: ExchangeTrace | undefined
  /** keyed pseudonym of the subscriber that the call is about */
  subject: string | undefined
  /** what an Idempotency-Key did */
  idempotency: 'kept' | 'replayed' | undefined
  /** paths of the response fields that were masked */
  masked: readonly string[] | undefined
  stripped = false
  /** where it was served: `primary`, `canary`, `cache` or the name of a target */
  upstreamName: string | undefined
  use: ContractUse | undefined
  quotaUnit: QuotaUnit | undefined
  contentType: string | undefined
  body: Buffer = noBytes
  /** number of the subscriber that a 3-legged token names, for the upstream only: never logged, never journalled */
  upstreamSubject: string | undefined
  /** bytes of bodies that count towards the whole gateway's bound */
  heldBytes = 0
  upstream: UpstreamResponse | undefined
  /** response fields that tell of the end of this API version */
  announcement: readonly string[] | undefined
  upstreamStartedMs = 0
  upstreamMs: number | undefined
  /**
   * The call that is under way. An object and not a closure: with a new closure stored here for each request, V8 keeps
   * whole exchanges alive until its next full collection, and spends a fifth of the time on collecting.
   */
  upstreamCall: { cancel(): void } | undefined
  /** where a canary is tried: what hears whether the answer was usable */
  canaryCall: { judged(usable: boolean): void } | undefined

  status = 0
  code: string | undefined
  refusedBy: string | undefined
  /** response headers besides those that every answer has, name and value in turn */
  responseHeaders: string[] = []
  responseBody: Buffer | string = noBytes
  responseBytes = 0
  /** whether the connection ends with this answer */
  closes = false

  #resume: (exchange: Exchange, outcome: Refusal | undefined) => void

  constructor(options: {
    request: IncomingMessage
    response: ServerResponse
    id: string
    at: number
    startedMs: number
    secure: boolean
    expectsContinue: boolean
    chain: readonly Policy[]
    resume: (exchange: Exchange, outcome: Refusal | undefined) => void
  }) {
    this.request = options.request
    this.response = options.response
    this.id = options.id
    this.at = options.at
    this.startedMs = options.startedMs
    this.secure = options.secure
    this.expectsContinue = options.expectsContinue
    this.chain = options.chain
    this.#resume = options.resume
  }

  /** Goes on after a pending policy: with the next one, or with this refusal. */
  resume(refusal?: Refusal): void {
    this.#resume(this, refusal)
  }
}
