import type { ApiEntry } from '#snapshot'
import { contract, silent } from '../testing.ts'
import { ContractUse } from './contract-use.ts'
import { type After, LimitNode } from './limit-node.ts'
import type { LimitStore, StoreAnswer, StoreQuestion } from './limit-store.ts'
import { memoryLimitStore } from './memory-limit-store.ts'

/** What a simulation admits: when, how much, and where. */
export type Admitted = { ms: number; weight: number; node: number }

type Task = { ms: number; run: () => void }

/**
 * Gateways and their store in simulated time: messages take as long as the test says, gateways are paused, killed and
 * started at any moment, and each has a clock that began somewhere else.
 */
export class LimitSimulation {
  nowMs = 1_000_000
  readonly admitted: Admitted[] = []
  readonly refused: { ms: number; kind: string }[] = []
  /** the most calls that were under way at once, where calls take time */
  mostUnderWay = 0
  readonly store = memoryLimitStore(() => this.nowMs)
  /** whether the store answers at all */
  storeUp = true
  readonly nodes: SimulatedNode[] = []
  delayMs: () => number = () => 1
  readonly terms: Parameters<typeof contract>[1]
  /** the next one last, and of two at the same time the one that came first */
  #tasks: Task[] = []

  constructor(terms: Parameters<typeof contract>[1]) {
    this.terms = terms
  }

  at(ms: number, run: () => void): void {
    let [from, to] = [0, this.#tasks.length]
    while (from < to) {
      const middle = (from + to) >> 1
      if ((this.#tasks[middle]?.ms ?? 0) > ms) from = middle + 1
      else to = middle
    }
    this.#tasks.splice(from, 0, { ms, run })
  }

  /** @param clockMs how far this gateway's clock is ahead */
  start(clockMs: number): SimulatedNode {
    const node = new SimulatedNode(this, this.nodes.length, clockMs)
    this.nodes.push(node)
    return node
  }

  async runUntil(endMs: number): Promise<void> {
    for (;;) {
      const next = this.#tasks.at(-1)
      if (next === undefined || next.ms > endMs) break
      this.#tasks.pop()
      this.nowMs = Math.max(this.nowMs, next.ms)
      next.run()
      // What the run has resolved goes on before the next thing happens.
      for (let i = 0; i < 12; i += 1) await Promise.resolve()
    }
    this.nowMs = Math.max(this.nowMs, endMs)
  }

  countUnderWay(): void {
    const now = this.nodes.reduce((sum, { underWay }) => sum + underWay, 0)
    this.mostUnderWay = Math.max(this.mostUnderWay, now)
  }

  /** The most that was admitted within one window, wherever it begins. */
  mostIn(windowMs: number): number {
    const sorted = this.admitted.toSorted((a, b) => a.ms - b.ms)
    let most = 0
    let sum = 0
    let from = 0
    for (const { ms, weight } of sorted) {
      sum += weight
      for (let first = sorted[from]; first !== undefined && first.ms <= ms - windowMs; ) {
        sum -= first.weight
        from += 1
        first = sorted[from]
      }
      most = Math.max(most, sum)
    }
    return most
  }
}

/** One gateway of a simulation. */
export class SimulatedNode {
  readonly node: LimitNode
  readonly use: ContractUse
  readonly index: number
  ready = false
  alive = true
  underWay = 0
  #pausedUntilMs = 0
  #simulation: LimitSimulation
  #clockMs: number

  constructor(simulation: LimitSimulation, index: number, clockMs: number) {
    this.#simulation = simulation
    this.#clockMs = clockMs
    this.index = index
    const after: After = (ms, run) => {
      let cancelled = false
      simulation.at(simulation.nowMs + Math.max(0, ms), () =>
        this.#whenAwake(() => cancelled || run()),
      )
      return () => {
        cancelled = true
      }
    }
    const store: LimitStore = {
      ask: (question) => this.#ask(question),
      stop: async () => undefined,
    }
    const monotonicMs = () => this.nowMs()
    this.node = new LimitNode({ store, member: `n${index}`, log: silent, monotonicMs, after })
    this.use = new ContractUse(contract(1, simulation.terms), undefined, this.node)
    void this.node.start().then(() => {
      this.ready = true
    })
  }

  nowMs(): number {
    return this.#simulation.nowMs + this.#clockMs
  }

  kill(): void {
    this.alive = false
    this.underWay = 0
  }

  leave(): void {
    this.ready = false
    void this.node.stop()
  }

  pause(ms: number): void {
    this.#pausedUntilMs = this.#simulation.nowMs + ms
  }

  /**
   * A call arrives; it is admitted now, later or not.
   * @param over when it is refused, or has been answered
   */
  call(weight: number, api: ApiEntry, holdMs = 0, over?: (admitted: boolean) => void): void {
    this.#whenAwake(() => {
      if (!this.ready) return
      const settle = (outcome: ReturnType<ContractUse['enter']>): void => {
        const { nowMs } = this.#simulation
        if (outcome === undefined) {
          this.#simulation.admitted.push({ ms: nowMs, weight, node: this.index })
          if (holdMs > 0) this.#hold(nowMs + holdMs, () => over?.(true))
        } else if (outcome !== 'ask') {
          this.#simulation.refused.push({ ms: nowMs, kind: outcome.kind })
          over?.(false)
        }
      }
      const outcome = this.use.enter(this.nowMs(), weight, api)
      if (outcome !== 'ask') {
        settle(outcome)
        return
      }
      const untilMs = this.nowMs() + 2_500
      this.use.wait({ weight, api, untilMs, gone: () => !this.alive, done: settle })
    })
  }

  #hold(untilMs: number, over: () => void): void {
    this.underWay += 1
    this.#simulation.countUnderWay()
    this.#simulation.at(untilMs, () =>
      this.#whenAwake(() => {
        this.underWay -= 1
        this.use.leave(this.nowMs())
        over()
      }),
    )
  }

  #whenAwake(run: () => unknown): void {
    const simulation = this.#simulation
    if (!this.alive) return
    if (simulation.nowMs < this.#pausedUntilMs)
      simulation.at(this.#pausedUntilMs, () => this.#whenAwake(run))
    else run()
  }

  #ask(question: StoreQuestion): Promise<StoreAnswer> {
    const simulation = this.#simulation
    const text = JSON.stringify(question)
    return new Promise((resolve, reject) => {
      let settled = false
      const once = (run: () => void) => (): void =>
        this.#whenAwake(() => {
          if (settled) return
          settled = true
          run()
        })
      const sentMs = simulation.nowMs
      simulation.at(
        sentMs + 250,
        once(() => reject(new Error('late'))),
      )
      simulation.at(sentMs + simulation.delayMs(), () => {
        // What was sent arrives although its sender is paused, or dead by now.
        if (!simulation.storeUp) return
        const answer = simulation.store.answer(JSON.parse(text) as StoreQuestion)
        simulation.at(
          simulation.nowMs + simulation.delayMs(),
          once(() => resolve(answer)),
        )
      })
    })
  }
}
