const mostFailures = 5

/** Opens after five questions in a row without an answer, and closes with the first answer. */
export class LimitBreaker {
  open = false
  #failures = 0

  /** @returns whether it has opened with this failure */
  failed(): boolean {
    this.#failures += 1
    if (this.open || this.#failures < mostFailures) return false
    this.open = true
    return true
  }

  /** @returns whether it was open until now */
  answered(): boolean {
    const wasOpen = this.open
    this.#failures = 0
    this.open = false
    return wasOpen
  }
}
