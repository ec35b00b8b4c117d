import { RecentCalls } from './recent-calls.ts'

export type BreakerSettings = { failures: number; openSeconds: number }
export type BreakerState = 'closed' | 'open' | 'half-open'
/** What a call tells of where it went; `nothing` when it ended for a reason that is not the target's. */
export type CallOutcome = 'fine' | 'failed' | 'nothing'

export const defaultBreaker: BreakerSettings = { failures: 5, openSeconds: 30 }

const leastCalls = 20
const longestOpenMs = 300_000

/**
 * Keeps calls from a target that fails: after `failures` in a row, or when more than half of at least 20 calls in ten
 * seconds failed. It stays open for `openSeconds`, and twice as long each time that it opens again soon; then one call at
 * a time goes through until one succeeds.
 */
export class CircuitBreaker {
  #settings: BreakerSettings | 'never'
  #recent = new RecentCalls()
  #state: BreakerState = 'closed'
  #inARow = 0
  #openings = 0
  #openMs = 0
  #changedMs = Number.NEGATIVE_INFINITY
  #openUntilMs = 0
  #epoch = 0

  /** @param settings `never` for a target whose failures are wanted, as those of a simulator */
  constructor(settings: BreakerSettings | 'never' = defaultBreaker) {
    this.#settings = settings
  }

  /** 0 when a call may begin; else the milliseconds until one may. */
  waitMs(nowMs: number): number {
    switch (this.#state) {
      case 'closed':
        return 0
      case 'open':
        return Math.max(0, this.#openUntilMs - nowMs)
      case 'half-open':
        return 1_000
    }
  }

  /** @returns what `end` needs to know of this call; only for a call that may begin */
  begin(): number {
    if (this.#state === 'open') this.#become('half-open')
    return this.#epoch
  }

  /** What a call that began says. One that began before the last change of state says nothing of the present. */
  end(begun: number, outcome: CallOutcome, nowMs: number): void {
    if (begun !== this.#epoch) return
    if (this.#state === 'half-open') this.#endProbe(outcome, nowMs)
    else if (this.#state === 'closed' && outcome !== 'nothing') this.#count(outcome, nowMs)
  }

  state(nowMs: number): BreakerState {
    return this.#state === 'open' && nowMs >= this.#openUntilMs ? 'half-open' : this.#state
  }

  #endProbe(outcome: CallOutcome, nowMs: number): void {
    if (outcome === 'failed') this.#open(nowMs)
    else if (outcome === 'fine') {
      this.#inARow = 0
      this.#recent.clear()
      this.#changedMs = nowMs
      this.#become('closed')
    } else {
      // It was not the target that ended it: the next call may try.
      this.#openUntilMs = nowMs
      this.#become('open')
    }
  }

  #count(outcome: 'fine' | 'failed', nowMs: number): void {
    this.#recent.add(outcome === 'failed', nowMs)
    this.#inARow = outcome === 'failed' ? this.#inARow + 1 : 0
    if (outcome === 'fine' || this.#settings === 'never') return
    const { fine, failed } = this.#recent
    if (this.#inARow >= this.#settings.failures || (fine + failed >= leastCalls && failed > fine))
      this.#open(nowMs)
  }

  #open(nowMs: number): void {
    if (this.#settings === 'never') return
    // One that had worked again for as long as it was open is trusted as at the start.
    const soon = this.#state === 'half-open' || nowMs - this.#changedMs < this.#openMs
    this.#openings = soon ? this.#openings + 1 : 1
    const baseMs = this.#settings.openSeconds * 1_000
    this.#openMs = Math.max(
      baseMs,
      Math.min(longestOpenMs, baseMs * 2 ** Math.min(this.#openings - 1, 20)),
    )
    this.#openUntilMs = nowMs + this.#openMs
    this.#changedMs = nowMs
    this.#become('open')
  }

  #become(state: BreakerState): void {
    this.#state = state
    this.#epoch += 1
  }
}
