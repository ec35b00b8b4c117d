import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
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
  /** the part of a core that the event loop computed on */
  cpu: number
  /** the part of the time in which the event loop did not wait for something to do */
  busy: number
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
/** what a process that computes without a pause gets of a core, when others need a little too */
const ownWork = 0.8
/** an event loop that hardly ever waits does not keep up with what comes */
const neverWaits = 0.95
/** the part of the calls at once from which on they are a queue */
const queue = 0.05
const calm: Strain = { delayMs: 0, cpu: 0, busy: 0, heap: 0 }
const periodMs = 1_000
const resolutionMs = 10

/**
 * Whether this process has more to do than it can do well, and whose calls it refuses then: free ones first.
 *
 * Its event loop is also late when others have the processor: while the machine is busy with something else, or this
 * process has just started and compiles what it runs. Fewer calls would change nothing then. So being late counts when
 * the loop itself computes all the time, or when it never comes to rest and calls queue up.
 * @public
 */
export class Pressure {
  #longestDelayMs: number
  #strain: () => Strain
  #monotonicMs: () => number
  /** until then it is late because it is new */
  #settledMs: number
  #last = calm
  #lasting = calm
  #timer: NodeJS.Timeout | undefined

  /**
   * @param longestDelayMs of the event loop, from which on free calls are refused
   * @param settleMs how long after its start the event loop may be late
   */
  constructor(options: {
    longestDelayMs: number
    settleMs: number
    strain: () => Strain
    monotonicMs: () => number
  }) {
    this.#longestDelayMs = options.longestDelayMs
    this.#strain = options.strain
    this.#monotonicMs = options.monotonicMs
    this.#settledMs = options.monotonicMs() + options.settleMs
  }

  start(): void {
    this.#timer = setInterval(() => this.measure(), periodMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A strain counts when it lasts for two periods: one long collection of garbage is no overload. */
  measure(): void {
    const measured = this.#strain()
    const isNew = this.#monotonicMs() < this.#settledMs
    const strain = isNew ? { ...measured, delayMs: 0 } : measured
    this.#lasting = {
      delayMs: Math.min(strain.delayMs, this.#last.delayMs),
      cpu: Math.min(strain.cpu, this.#last.cpu),
      busy: Math.min(strain.busy, this.#last.busy),
      heap: Math.min(strain.heap, this.#last.heap),
    }
    this.#last = strain
  }

  /** @param load the part of what the process may hold at once that it holds now: calls, or bytes of their bodies */
  sheds(tier: Tier, load: number): boolean {
    const { inFlight, delays, heap } = bounds[tier]
    if (load > inFlight) return true
    const { delayMs, cpu, busy, heap: used } = this.#lasting
    if (used > heap) return true
    if (delayMs <= delays * this.#longestDelayMs) return false
    return cpu >= ownWork || (busy >= neverWaits && load >= queue)
  }
}

/**
 * Measures this process, from one question to the next.
 * @public
 */
export function strainOfProcess(): () => Strain {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()
  let atMs = performance.now()
  let cpu = process.threadCpuUsage()
  let loop = performance.eventLoopUtilization()
  return () => {
    const used = process.threadCpuUsage(cpu)
    const computedMs = (used.user + used.system) / 1_000
    const spentMs = performance.now() - atMs
    const { utilization: busy } = performance.eventLoopUtilization(loop)
    atMs += spentMs
    cpu = process.threadCpuUsage()
    loop = performance.eventLoopUtilization()
    // The histogram holds the whole time between two of its ticks.
    const delayMs = Math.max(0, delays.percentile(99) / 1e6 - resolutionMs)
    delays.reset()
    const { used_heap_size: held, heap_size_limit: most } = getHeapStatistics()
    return { delayMs, cpu: computedMs / Math.max(1, spentMs), busy, heap: held / most }
  }
}
