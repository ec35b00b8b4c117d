const exactUpTo = 256

/** An amount that was admitted, and how long ago at most it was. */
export type PastUse = { ageMs: number; amount: number }

/**
 * At most `limit` units in any window of `windowMs`, wherever the window begins: the times of the admissions within the
 * last window are remembered. Up to 256 each has a place of its own; above, those within 1/256 of the window share one
 * and leave together with the last of them. So it never admits more, and gives a place back at most 1/256 of the window
 * late. Constant cost, and at most 258 places, whatever the limit.
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

  /**
   * Milliseconds until `amount` fits below `limit`; 0 when it does, Infinity when it never will.
   * @param limit other than the window's own while only a part of it is this process's to give
   */
  untilFreeMs(nowMs: number, amount: number, limit = this.#limit): number {
    this.#expire(nowMs)
    let over = this.#used + amount - limit
    if (over <= 0) return 0
    if (amount > limit) return Number.POSITIVE_INFINITY
    for (let i = this.#head; i < this.#times.length; i += 1) {
      over -= this.#counts[i] ?? 0
      if (over <= 0) return Math.max(1, (this.#times[i] ?? nowMs) + this.windowMs - nowMs)
    }
    return this.windowMs
  }

  /** Takes places; only after it was said that there are so many. */
  take(nowMs: number, amount = 1): void {
    this.#used += amount
    const last = this.#times.length - 1
    if (last >= this.#head && nowMs - this.#newestStart < this.#shareMs) {
      this.#times[last] = nowMs
      this.#counts[last] = (this.#counts[last] ?? 0) + amount
      return
    }
    this.#times.push(nowMs)
    this.#counts.push(amount)
    this.#newestStart = nowMs
  }

  /** What is taken from now on shares no place with what was taken before. */
  cut(): void {
    this.#newestStart = Number.NEGATIVE_INFINITY
  }

  /** What was taken at or after `fromMs`, in at most `most` parts; a part is as young as the youngest in it. */
  since(fromMs: number, nowMs: number, most: number): PastUse[] {
    this.#expire(nowMs)
    const parts: PastUse[] = []
    const partMs = Math.max(nowMs - fromMs, 1) / most
    let partEndMs = Number.POSITIVE_INFINITY
    for (let i = this.#times.length - 1; i >= this.#head; i -= 1) {
      const time = this.#times[i] ?? 0
      if (time < fromMs) break
      const amount = this.#counts[i] ?? 0
      const part = parts.at(-1)
      if (part !== undefined && time > partEndMs - partMs) part.amount += amount
      else {
        parts.push({ ageMs: Math.max(0, nowMs - time), amount })
        partEndMs = time
      }
    }
    return parts
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
