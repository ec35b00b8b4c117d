const leastPerSecond = 3
const part = 0.1

/**
 * How many calls of an API may be sent a second time: one in ten of the calls of this second or the one before, and
 * three a second in any case. A failing upstream is not helped by more.
 */
export class RetryBudget {
  #second = 0
  #calls = 0
  #callsBefore = 0
  #retries = 0

  count(nowMs: number): void {
    this.#turn(nowMs)
    this.#calls += 1
  }

  take(nowMs: number): boolean {
    this.#turn(nowMs)
    const most = Math.floor(Math.max(this.#calls, this.#callsBefore) * part)
    if (this.#retries >= Math.max(leastPerSecond, most)) return false
    this.#retries += 1
    return true
  }

  #turn(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    if (second === this.#second) return
    this.#callsBefore = second === this.#second + 1 ? this.#calls : 0
    this.#second = second
    this.#calls = 0
    this.#retries = 0
  }
}
