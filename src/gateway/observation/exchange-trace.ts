import { traceparentOf } from '#platform/trace-context'

/** One call of an upstream for this exchange; a retry is another one. */
export type Attempt = {
  spanId: string
  startedMs: number
  endedMs: number
  /** the name of the target; never an address with an id in it */
  target: string | undefined
  status: number | undefined
  /** `timeout`, `unreachable` and so on; undefined when there was a response */
  failure: string | undefined
}

/** A rule that waited for something outside this process. */
export type Wait = { rule: string; startedMs: number; endedMs: number }

const none: readonly never[] = Object.freeze([])

/**
 * The place of one exchange in a trace. Of a call that is not sampled it holds the ids and nothing else: spans are made
 * when the exchange is over, from what was noted on the way.
 * @public
 */
export class ExchangeTrace {
  readonly traceId: string
  readonly spanId: string
  /** the caller's span */
  readonly parentId: string | undefined
  /** whether the caller asked for this call to be traced */
  readonly asked: boolean
  sampled: boolean
  attempts: readonly Attempt[] = none
  waits: readonly Wait[] = none
  #waiting: { rule: string; startedMs: number } | undefined
  #newSpanId: () => string

  constructor(options: {
    traceId: string
    spanId: string
    parentId: string | undefined
    asked: boolean
    sampled: boolean
    newSpanId: () => string
  }) {
    this.traceId = options.traceId
    this.spanId = options.spanId
    this.parentId = options.parentId
    this.asked = options.asked
    this.sampled = options.sampled
    this.#newSpanId = options.newSpanId
  }

  /** What an upstream is told: the attempt that is under way is its parent, or the exchange when none is noted. */
  traceparent(): string {
    return traceparentOf(this.traceId, this.attempts.at(-1)?.spanId ?? this.spanId, this.sampled)
  }

  beginAttempt(nowMs: number, target: string | undefined): void {
    if (!this.sampled) return
    const attempt: Attempt = {
      spanId: this.#newSpanId(),
      startedMs: nowMs,
      endedMs: 0,
      target,
      status: undefined,
      failure: undefined,
    }
    this.attempts = [...this.attempts, attempt]
  }

  endAttempt(nowMs: number, status: number | undefined, failure: string | undefined): void {
    const attempt = this.attempts.at(-1)
    if (attempt === undefined || attempt.endedMs !== 0) return
    attempt.endedMs = nowMs
    attempt.status = status
    attempt.failure = failure
  }

  beginWait(nowMs: number, rule: string): void {
    if (this.sampled) this.#waiting = { rule, startedMs: nowMs }
  }

  endWait(nowMs: number): void {
    if (this.#waiting === undefined) return
    this.waits = [...this.waits, { ...this.#waiting, endedMs: nowMs }]
    this.#waiting = undefined
  }
}
