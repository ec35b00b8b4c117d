const seconds = 10

/** How many calls of the last ten seconds went well, and how many failed; a second at a time. */
export class RecentCalls {
  #fine = new Uint32Array(seconds)
  #failed = new Uint32Array(seconds)
  #last = 0
  fine = 0
  failed = 0

  add(failed: boolean, nowMs: number): void {
    this.forget(nowMs)
    const slot = this.#last % seconds
    if (failed) {
      this.#failed[slot] = (this.#failed[slot] ?? 0) + 1
      this.failed += 1
    } else {
      this.#fine[slot] = (this.#fine[slot] ?? 0) + 1
      this.fine += 1
    }
  }

  /** Leaves out what is older than ten seconds: before the counts are read. */
  forget(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    if (second <= this.#last) return
    if (second - this.#last >= seconds) this.clear()
    else
      for (let passed = this.#last + 1; passed <= second; passed += 1) {
        const slot = passed % seconds
        this.fine -= this.#fine[slot] ?? 0
        this.failed -= this.#failed[slot] ?? 0
        this.#fine[slot] = 0
        this.#failed[slot] = 0
      }
    this.#last = second
  }

  clear(): void {
    this.#fine.fill(0)
    this.#failed.fill(0)
    this.fine = 0
    this.failed = 0
  }
}
