import { randomFillSync } from 'node:crypto'
import type { Log } from './log.ts'

/**
 * A span that is over. Times are milliseconds since 1970 with fractions.
 * @public
 */
export type FinishedSpan = {
  traceId: string
  spanId: string
  parentId: string | undefined
  /** whether the parent is in another process */
  parentIsRemote: boolean
  kind: 'server' | 'client'
  name: string
  startMs: number
  endMs: number
  failed: boolean
  attributes: Readonly<Record<string, string | number | boolean | undefined>>
  events: readonly SpanEvent[]
}

/** @public */
export type SpanEvent = {
  name: string
  atMs: number
  attributes: Readonly<Record<string, string | number>>
}

/** Sends a batch, and says whether it was taken. It never throws. */
export type SpanSender = {
  send(spans: readonly FinishedSpan[]): Promise<Error | undefined>
  stop(): Promise<void>
}

/** @public */
export type TracingCounters = { sent: number; dropped: number; waiting: number }

/** @public */
export interface Tracing {
  /** Takes a span; when the collector is slow or away and the queue is full, the span is dropped and counted. */
  record(span: FinishedSpan): void
  counters(): TracingCounters
  /** Sends what waits, for at most this long. */
  stop(deadlineMs: number): Promise<void>
}

/** @public */
export type TracingOptions = {
  sender: SpanSender
  log: Log
  mostWaiting?: number
  batchSize?: number
  everyMs?: number
}

/**
 * Collects finished spans and sends them in batches, one batch at a time: nothing that happens to a collector reaches
 * whoever records a span.
 * @public
 */
export function createTracing(options: TracingOptions): Tracing {
  const { log, sender, mostWaiting = 4_096, batchSize = 512, everyMs = 1_000 } = options
  let waiting: FinishedSpan[] = []
  let sending: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let sent = 0
  let dropped = 0
  let underWay = 0
  let failing = false
  let stopped = false

  const sendOne = async (): Promise<void> => {
    const batch = waiting.slice(0, batchSize)
    waiting = waiting.slice(batchSize)
    underWay = batch.length
    const failure = await sender.send(batch)
    // What was given up meanwhile is counted already.
    if (underWay === 0) return
    underWay = 0
    if (failure === undefined) sent += batch.length
    else dropped += batch.length
    if ((failure !== undefined) === failing) return
    failing = failure !== undefined
    if (failing)
      log.warn({ reason: reasonOf(failure) }, 'traces cannot be delivered: they are dropped')
    else log.info('traces are delivered again')
  }
  const drain = async (): Promise<void> => {
    while (waiting.length > 0) await sendOne()
  }
  const flush = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    sending ??= drain().finally(() => {
      sending = undefined
    })
    return sending
  }

  return {
    record(span) {
      if (stopped || waiting.length >= mostWaiting) {
        dropped += 1
        return
      }
      waiting.push(span)
      if (sending !== undefined) return
      if (waiting.length >= batchSize) void flush()
      else timer ??= setTimeout(() => void flush(), everyMs).unref()
    },
    counters: () => ({ sent, dropped, waiting: waiting.length }),
    async stop(deadlineMs) {
      stopped = true
      const late = Promise.withResolvers<void>()
      const deadline = setTimeout(late.resolve, deadlineMs)
      await Promise.race([flush(), late.promise])
      clearTimeout(deadline)
      dropped += waiting.length + underWay
      underWay = 0
      waiting = []
      void sender.stop().catch(() => undefined)
    },
  }
}

const reasonOf = (failure: Error | undefined): string => failure?.message.slice(0, 200) ?? 'unknown'

const poolBytes = 8_192

/**
 * Random ids in hex, by the page: an id costs no system call of its own.
 * @public
 */
export class TraceIds {
  #pool = Buffer.allocUnsafeSlow(poolBytes)
  #used = poolBytes

  /** 32 digits */
  traceId(): string {
    return this.#take(16)
  }

  /** 16 digits */
  spanId(): string {
    return this.#take(8)
  }

  /** true for this share of the calls, 0 to 1 */
  chance(share: number): boolean {
    if (share >= 1) return true
    return share > 0 && this.#number() < share * 0x1_0000_0000
  }

  #number(): number {
    this.#ensure(4)
    const number = this.#pool.readUInt32BE(this.#used)
    this.#used += 4
    return number
  }

  #take(bytes: number): string {
    this.#ensure(bytes)
    const start = this.#used
    this.#used += bytes
    return this.#pool.toString('hex', start, this.#used)
  }

  #ensure(bytes: number): void {
    if (this.#used + bytes <= poolBytes) return
    randomFillSync(this.#pool)
    this.#used = 0
  }
}
