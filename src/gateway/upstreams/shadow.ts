import type { ApiEntry, UpstreamCare } from '#snapshot'
import type { UpstreamResponse } from '../exchange.ts'
import { compareResponses, type Difference } from './compare-responses.ts'
import { declaredNames } from './declared-names.ts'
import { UpstreamCall, type UpstreamFailure, type UpstreamReceiver } from './upstream-call.ts'
import type { Endpoint, OutgoingCall } from './upstream-endpoint.ts'
import type { ShadowResult } from './upstream-metrics.ts'

export type ShadowSettings = NonNullable<UpstreamCare['shadow']>

/** The same difference of the same operation, however often it was seen. */
export type SeenDifference = Difference & {
  operation: string
  count: number
  /** wall clock, milliseconds since 1970 */
  firstAt: number
  lastAt: number
}

const mostInFlight = 16
const mostBytes = 8 * 1_048_576
const mostKept = 200
/** a larger body is not compared: the comparison would hold up the calls of others */
const largestCompared = 131_072

/**
 * Sends a part of the safe calls to another place as well, when they have been answered, and compares what it says. The
 * caller, the bill and the limits know nothing of it: it may fail in every way. Beyond its bounds calls are left out.
 */
export class Shadow {
  readonly settings: ShadowSettings
  readonly endpoint: Endpoint
  readonly counts: Record<ShadowResult, number> = { same: 0, different: 0, failed: 0, skipped: 0 }
  inFlight = 0
  #bytes = 0
  #known: ReadonlySet<string>
  #differences = new Map<string, SeenDifference>()
  #options: ShadowOptions

  constructor(settings: ShadowSettings, endpoint: Endpoint, options: ShadowOptions) {
    this.settings = settings
    this.endpoint = endpoint
    this.#options = options
    this.#known = declaredNames(options.api)
  }

  republished(api: ApiEntry): void {
    this.#known = declaredNames(api)
  }

  draws(): boolean {
    return this.#options.random() * 100 < this.settings.percent
  }

  /** Goes on by itself; a fault of it is counted and no more. */
  follow(call: OutgoingCall, real: UpstreamResponse, deadlineMs: number): void {
    const bytes = call.body.length + real.body.length
    if (
      this.inFlight >= mostInFlight ||
      this.#bytes + bytes > mostBytes ||
      real.body.length > largestCompared ||
      this.endpoint.waitMs(this.#options.monotonicMs()) > 0
    ) {
      this.#counted('skipped')
      return
    }
    const request = this.endpoint.dialect.encode(call)
    if (request === undefined) {
      this.#counted('skipped')
      return
    }
    const operation = call.exchange.operation?.documented.operationId ?? ''
    this.#hold(1, bytes)
    new ShadowCall({
      shadow: this,
      real,
      operation,
      release: () => this.#hold(-1, -bytes),
      start: (receiver) =>
        new UpstreamCall({
          origin: this.endpoint.origin,
          request,
          deadlineMs,
          largest: largestCompared,
          receiver,
        }).start(),
      monotonicMs: this.#options.monotonicMs,
    }).begin()
  }

  answered(operation: string, real: UpstreamResponse, answer: UpstreamResponse): void {
    const differences = compareResponses(real, answer, this.settings, this.#known)
    this.#counted(differences.length === 0 ? 'same' : 'different')
    const at = this.#options.nowMs()
    const unique = new Map(differences.map((one) => [`${one.path} ${one.kind}`, one]))
    for (const [name, difference] of unique)
      this.#keep(`${operation} ${name}`, operation, difference, at)
  }

  failed(): void {
    this.#counted('failed')
  }

  /** Most recent last. */
  differences(): readonly SeenDifference[] {
    return [...this.#differences.values()]
  }

  #keep(key: string, operation: string, difference: Difference, at: number): void {
    const seen = this.#differences.get(key)
    this.#differences.delete(key)
    this.#differences.set(key, {
      ...difference,
      operation,
      count: (seen?.count ?? 0) + 1,
      firstAt: seen?.firstAt ?? at,
      lastAt: at,
    })
    if (this.#differences.size <= mostKept) return
    const [oldest] = this.#differences.keys()
    if (oldest !== undefined) this.#differences.delete(oldest)
  }

  #hold(calls: number, bytes: number): void {
    this.inFlight += calls
    this.#bytes += bytes
  }

  #counted(result: ShadowResult): void {
    this.counts[result] += 1
    this.#options.counted(result)
  }
}

type ShadowOptions = {
  api: ApiEntry
  random: () => number
  nowMs: () => number
  monotonicMs: () => number
  counted: (result: ShadowResult) => void
}

type ShadowCallOptions = {
  shadow: Shadow
  real: UpstreamResponse
  operation: string
  release: () => void
  start: (receiver: UpstreamReceiver) => void
  monotonicMs: () => number
}

/** One shadow call, from its sending to its comparison. */
class ShadowCall implements UpstreamReceiver {
  #options: ShadowCallOptions
  #begun = 0

  constructor(options: ShadowCallOptions) {
    this.#options = options
  }

  begin(): void {
    this.#begun = this.#options.shadow.endpoint.begin()
    // In a later turn: the answer of the real call goes first.
    setImmediate(() => this.#options.start(this))
  }

  hold(): boolean {
    return true
  }

  received(response: UpstreamResponse): void {
    const { shadow, real, operation } = this.#options
    const { endpoint } = shadow
    this.#options.release()
    const decoded = endpoint.dialect.decode(response)
    if ('kind' in decoded) {
      this.#ended('failed')
      endpoint.metrics.ended(decoded.kind)
      shadow.failed()
      return
    }
    this.#ended(decoded.status >= 500 ? 'failed' : 'fine')
    endpoint.metrics.ended(decoded.status >= 500 ? '5xx' : 'fine')
    // The real body stays alive until here, and is compared in a turn of its own.
    setImmediate(() => {
      try {
        shadow.answered(operation, real, decoded)
      } catch {
        shadow.failed()
      }
    })
  }

  failed(failure: UpstreamFailure): void {
    this.#options.release()
    this.#ended('failed')
    this.#options.shadow.endpoint.metrics.ended(failure.kind)
    this.#options.shadow.failed()
  }

  #ended(outcome: 'fine' | 'failed'): void {
    this.#options.shadow.endpoint.end(this.#begun, outcome, this.#options.monotonicMs())
  }
}
