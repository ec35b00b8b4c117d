const exactUpTo = 256

/**
 * At most `limit` admissions in any window of `windowMs`, wherever the window begins: the times of the admissions
 * within the last window are remembered. Up to 256 each has a place of its own; above, those within 1/256 of the window
 * share one and leave together with the last of them. So it never admits more, and gives a place back at most 1/256 of
 * the window late. Constant cost, and at most 258 places, whatever the limit.
 */
export class RateWindow {
  readonly windowMs: number
  #limit: number
  #shareMs: number
  #times: number[] = []
  #counts: number[] = []
  /** index of the oldest place; everything before it is gone */
  #head = 0
  #used = 0
  #newestStart = Number.NEGATIVE_INFINITY

  constructor(limit: number, windowMs: number) {
    this.windowMs = windowMs
    this.#limit = limit
    this.#shareMs = limit <= exactUpTo ? 0 : windowMs / exactUpTo
  }

  get limit(): number {
    return this.#limit
  }

  /** A changed contract: what was admitted stays admitted. */
  set limit(limit: number) {
    this.#limit = limit
    this.#shareMs = limit <= exactUpTo ? 0 : this.windowMs / exactUpTo
  }

  /** How many more are admitted now. */
  remaining(nowMs: number): number {
    this.#expire(nowMs)
    return Math.max(0, this.#limit - this.#used)
  }

  /** Milliseconds until the next place is given back; 0 when none is taken. */
  untilNextMs(nowMs: number): number {
    const oldest = this.#times[this.#head]
    return oldest === undefined ? 0 : Math.max(0, oldest + this.windowMs - nowMs)
  }

  /** Takes a place; only after `remaining` said that there is one. */
  take(nowMs: number): void {
    this.#used += 1
    const last = this.#times.length - 1
    if (last >= this.#head && nowMs - this.#newestStart < this.#shareMs) {
      this.#times[last] = nowMs
      this.#counts[last] = (this.#counts[last] ?? 0) + 1
      return
    }
    this.#times.push(nowMs)
    this.#counts.push(1)
    this.#newestStart = nowMs
  }

  idle(nowMs: number): boolean {
    this.#expire(nowMs)
    return this.#used === 0
  }

  #expire(nowMs: number): void {
    const edge = nowMs - this.windowMs
    let time = this.#times[this.#head]
    while (time !== undefined && time <= edge) {
      this.#used -= this.#counts[this.#head] ?? 0
      this.#head += 1
      time = this.#times[this.#head]
    }
    // Forget the places that are behind, seldom enough to stay constant in cost.
    if (this.#head > 64 && this.#head * 2 > this.#times.length) {
      this.#times = this.#times.slice(this.#head)
      this.#counts = this.#counts.slice(this.#head)
      this.#head = 0
    }
  }
}
