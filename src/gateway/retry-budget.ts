import { RecentCalls } from './recent-calls.ts'

const leastPerSecond = 3
const part = 0.1

/**
 * How many calls of an API may be sent a second time: one in ten of those of the last ten seconds, and three a second
 * in any case. A failing upstream is not helped by more.
 */
export class RetryBudget {
  #calls = new RecentCalls()
  #second = 0
  #used = 0

  count(nowMs: number): void {
    this.#calls.add(false, nowMs)
  }

  take(nowMs: number): boolean {
    const second = Math.floor(nowMs / 1_000)
    if (second !== this.#second) {
      this.#second = second
      this.#used = 0
    }
    this.#calls.forget(nowMs)
    if (this.#used >= Math.max(leastPerSecond, Math.floor(this.#calls.fine * part * 0.1)))
      return false
    this.#used += 1
    return true
  }
}
