import type { Exchange, UpstreamResponse } from '../exchange.ts'
import {
  type BreakerSettings,
  type BreakerState,
  type CallOutcome,
  CircuitBreaker,
} from './circuit-breaker.ts'
import { RecentCalls } from './recent-calls.ts'
import type { UpstreamRequest } from './request-text.ts'
import type { UpstreamFailure } from './upstream-call.ts'
import type { EndpointMetrics } from './upstream-metrics.ts'
import type { Origin } from './upstream-origin.ts'

/** A call as the policies decided it: what every kind of upstream is given, in its own form. */
export type OutgoingCall = {
  exchange: Exchange
  method: string
  /** the canonical path, and the documented parameters with their `?` */
  path: string
  query: string
  /** names in lower case and values in turn */
  headers: string[]
  body: Buffer
}

/** How a target is spoken to: plain HTTP, or the Invoke API of a function. */
export interface Dialect {
  /** @returns undefined when the call is larger than this kind of upstream takes */
  encode(call: OutgoingCall): UpstreamRequest | undefined
  decode(response: UpstreamResponse): UpstreamResponse | UpstreamFailure
}

export type Side = 'primary' | 'canary' | 'shadow'

/** One place that an API is served from, and how it has been doing. */
export class Endpoint {
  /** host and port, or the function's name: for logs, metrics, journal and console */
  readonly name: string
  readonly side: Side
  readonly weight: number
  /** bytes of an answer that are read */
  readonly largest: number
  readonly origin: Origin
  readonly dialect: Dialect
  readonly metrics: EndpointMetrics
  readonly recent = new RecentCalls()
  /** what its health checks say; true where there are none */
  healthy = true
  inFlight = 0
  failuresInARow = 0
  ejectedUntilMs = 0
  ejections = 0
  #breaker: CircuitBreaker

  constructor(options: {
    name: string
    side: Side
    weight: number
    largest: number
    origin: Origin
    dialect: Dialect
    metrics: EndpointMetrics
    breaker: BreakerSettings | 'never' | undefined
  }) {
    this.name = options.name
    this.side = options.side
    this.weight = options.weight
    this.largest = options.largest
    this.origin = options.origin
    this.dialect = options.dialect
    this.metrics = options.metrics
    this.#breaker = new CircuitBreaker(options.breaker)
  }

  /** Milliseconds until a call may begin here; 0 for now. */
  waitMs(nowMs: number): number {
    return this.#breaker.waitMs(nowMs)
  }

  breakerState(nowMs: number): BreakerState {
    return this.#breaker.state(nowMs)
  }

  /** @returns what `end` needs */
  begin(): number {
    this.inFlight += 1
    return this.#breaker.begin()
  }

  end(begun: number, outcome: CallOutcome, nowMs: number): void {
    this.inFlight -= 1
    this.#breaker.end(begun, outcome, nowMs)
    if (outcome === 'nothing') return
    this.recent.add(outcome === 'failed', nowMs)
    this.failuresInARow = outcome === 'failed' ? this.failuresInARow + 1 : 0
  }
}
