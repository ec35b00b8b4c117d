import type { SlotAsk } from './limit-store.ts'
import { askStore } from './limit-window.ts'

const emptyMs = 20
/** how long a slot that is not used is kept for the next call */
const keepMs = 50
/** so often a process that holds more than its part of the slots finds out whether others are refused */
const lookMs = 100

/** How a process stands among those that share a contract's concurrency. */
export type SlotStanding = {
  decidesSlots(nowMs: number): boolean
  part(limit: number, windowMs: number, nowMs: number): number
  readonly members: number
}

/** The calls of one contract that are under way in this process, and how many the store lets it have. */
export class LimitSlots {
  readonly key: string
  limit: number
  /** calls under way */
  inFlight = 0
  #held = 0
  /** the most that the store may count for this process: more than `held` while others are to have some */
  #counted = 0
  #askedMs = Number.NEGATIVE_INFINITY
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

  /** @returns when the store has to hear that slots are not used any more: `now` when others wait for them */
  release(standing: SlotStanding, nowMs: number): 'now' | 'soon' | undefined {
    this.inFlight -= 1
    this.#busyMs = nowMs
    if (this.#counted <= this.inFlight || standing.decidesSlots(nowMs)) return undefined
    return this.#counted > this.#held ? 'now' : 'soon'
  }

  ask(standing: SlotStanding, nowMs: number, waiting: number): SlotAsk {
    const spare = nowMs - this.#busyMs < keepMs && this.#held > this.inFlight ? 1 : 0
    // Whoever was refused a moment ago is back in another.
    const refused = nowMs < this.#emptyUntilMs ? 1 : 0
    const more = Math.max(waiting, spare, refused)
    const want = standing.decidesSlots(nowMs) ? 0 : this.inFlight + more
    // What is given back is not used while the answer is on its way.
    this.#held = Math.min(this.#held, want)
    this.#counted = Math.max(this.#counted, want)
    this.#askedMs = nowMs
    return { key: this.key, limit: this.limit, floor: this.inFlight, want, held: this.#held }
  }

  granted(ask: SlotAsk, held: number, waited: number, nowMs: number): void {
    this.#held = held
    this.#counted = Math.max(held, ask.floor, ask.held ?? 0)
    const refused = waited > 0 || ask.want > Math.max(held, ask.floor)
    this.#emptyUntilMs =
      refused && held <= this.inFlight ? nowMs + emptyMs : Number.NEGATIVE_INFINITY
  }

  /** The membership that the slots were held under has ended. */
  drop(): void {
    this.#held = 0
    this.#counted = 0
    this.#emptyUntilMs = Number.NEGATIVE_INFINITY
  }

  /** Whether the store should hear of it although nobody waits. */
  owes(standing: SlotStanding, nowMs: number, telling: 'lasting' | 'all'): boolean {
    if (telling === 'all' && this.inFlight > this.#counted) return true
    if (standing.decidesSlots(nowMs)) return false
    if (this.#counted > this.inFlight) return true
    // No more than its part of all members is nobody's to ask back.
    return this.#held > this.limit / standing.members && nowMs - this.#askedMs >= lookMs
  }

  /** Whether the store gave it slots, or has to hear of those that it took by itself when somebody else comes. */
  concerned(): boolean {
    return this.#counted > 0 || this.inFlight > 0
  }

  remaining(standing: SlotStanding, nowMs: number): number {
    const limit = standing.part(this.limit, 0, nowMs)
    // The others have all of them: what this process has under way says nothing then.
    const none = nowMs < this.#emptyUntilMs && this.inFlight >= this.#held
    if (none && !standing.decidesSlots(nowMs)) return 0
    return Math.max(0, limit - this.inFlight)
  }
}
