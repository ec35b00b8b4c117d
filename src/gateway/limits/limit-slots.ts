import type { SlotAsk } from './limit-store.ts'
import { askStore } from './limit-window.ts'

const emptyMs = 20
/** how long a slot that is not used is kept for the next call */
const keepMs = 50

/** How a process stands among those that share a contract's concurrency. */
export type SlotStanding = {
  decidesSlots(nowMs: number): boolean
  part(limit: number, windowMs: number, nowMs: number): number
}

/** The calls of one contract that are under way in this process, and how many the store lets it have. */
export class LimitSlots {
  readonly key: string
  limit: number
  /** calls under way */
  inFlight = 0
  #held = 0
  #emptyUntilMs = Number.NEGATIVE_INFINITY
  #busyMs = 0

  constructor(key: string, limit: number) {
    this.key = key
    this.limit = limit
  }

  /** @returns 0 when there is a slot, milliseconds to wait when there is none, or `askStore` */
  room(standing: SlotStanding, nowMs: number): number {
    const limit = standing.part(this.limit, 0, nowMs)
    if (standing.decidesSlots(nowMs)) return this.inFlight < limit ? 0 : emptyMs
    if (this.inFlight >= this.limit) return emptyMs
    if (this.inFlight < this.#held) return 0
    return nowMs < this.#emptyUntilMs ? emptyMs : askStore
  }

  take(nowMs: number): void {
    this.inFlight += 1
    this.#busyMs = nowMs
  }

  /** @returns whether the store has to hear that slots are not used any more */
  release(nowMs: number): boolean {
    this.inFlight -= 1
    this.#busyMs = nowMs
    return this.#held > this.inFlight
  }

  ask(standing: SlotStanding, nowMs: number, waiting: number): SlotAsk {
    const spare = nowMs - this.#busyMs < keepMs && this.#held > this.inFlight ? 1 : 0
    const want = standing.decidesSlots(nowMs) ? 0 : this.inFlight + Math.max(waiting, spare)
    // What is given back is not used while the answer is on its way.
    this.#held = Math.min(this.#held, want)
    return { key: this.key, limit: this.limit, floor: this.inFlight, want }
  }

  granted(held: number, waited: number, nowMs: number): void {
    this.#held = held
    this.#emptyUntilMs =
      waited > 0 && held <= this.inFlight ? nowMs + emptyMs : Number.NEGATIVE_INFINITY
  }

  /** The membership that the slots were held under has ended. */
  drop(): void {
    this.#held = 0
    this.#emptyUntilMs = Number.NEGATIVE_INFINITY
  }

  /** Whether the store should hear of it although nobody waits. */
  owes(standing: SlotStanding, nowMs: number, telling: 'lasting' | 'all'): boolean {
    if (telling === 'all' && this.inFlight > this.#held) return true
    return this.#held > this.inFlight && !standing.decidesSlots(nowMs)
  }

  /** Whether the store gave it slots, or has to hear of those that it took by itself when somebody else comes. */
  concerned(): boolean {
    return this.#held > 0 || this.inFlight > 0
  }

  remaining(standing: SlotStanding, nowMs: number): number {
    const limit = standing.part(this.limit, 0, nowMs)
    // The others have all of them: what this process has under way says nothing then.
    const none = nowMs < this.#emptyUntilMs && this.inFlight >= this.#held
    if (none && !standing.decidesSlots(nowMs)) return 0
    return Math.max(0, limit - this.inFlight)
  }
}
