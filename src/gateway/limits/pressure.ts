import { monitorEventLoopDelay } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { ContractEntry } from '#snapshot'

type Tier = ContractEntry['tier']

/**
 * How strained the process was in the last period.
 * @public
 */
export type Strain = {
  /** the delay that 99 of 100 turns of the event loop stay below, in milliseconds */
  delayMs: number
  /** used part of the heap that there may be */
  heap: number
}

/** What each tier is served up to: in a part of the calls at once, in delays of the event loop, in a part of the heap. */
const bounds: Record<Tier, { inFlight: number; delays: number; heap: number }> = {
  free: { inFlight: 0.6, delays: 1, heap: 0.9 },
  paid: { inFlight: 0.8, delays: 2, heap: 0.94 },
  // The last fifth of the calls at once is theirs alone.
  enterprise: { inFlight: 1, delays: 5, heap: 0.97 },
}
const periodMs = 1_000
const resolutionMs = 10

/**
 * Whether this process has more to do than it can do well, and whose calls it refuses then: free ones first.
 * @public
 */
export class Pressure {
  #longestDelayMs: number
  #strain: () => Strain
  #last: Strain = { delayMs: 0, heap: 0 }
  #lasting: Strain = { delayMs: 0, heap: 0 }
  #timer: NodeJS.Timeout | undefined

  /** @param longestDelayMs of the event loop, from which on free calls are refused */
  constructor(longestDelayMs: number, strain: () => Strain) {
    this.#longestDelayMs = longestDelayMs
    this.#strain = strain
  }

  start(): void {
    this.#timer = setInterval(() => this.measure(), periodMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A strain counts when it lasts for two periods: one long collection of garbage is no overload. */
  measure(): void {
    const strain = this.#strain()
    this.#lasting = {
      delayMs: Math.min(strain.delayMs, this.#last.delayMs),
      heap: Math.min(strain.heap, this.#last.heap),
    }
    this.#last = strain
  }

  /** @param load the part of what the process may hold at once that it holds now: calls, or bytes of their bodies */
  sheds(tier: Tier, load: number): boolean {
    const { inFlight, delays, heap } = bounds[tier]
    if (load > inFlight) return true
    const { delayMs, heap: used } = this.#lasting
    return delayMs > delays * this.#longestDelayMs || used > heap
  }
}

/**
 * Measures this process, from one question to the next.
 * @public
 */
export function strainOfProcess(): () => Strain {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  return () => {
    // The histogram holds the whole time between two of its ticks.
    const delayMs = Math.max(0, delays.percentile(99) / 1e6 - resolutionMs)
    delays.reset()
    const { used_heap_size: used, heap_size_limit: most } = getHeapStatistics()
    return { delayMs, heap: used / most }
  }
}
