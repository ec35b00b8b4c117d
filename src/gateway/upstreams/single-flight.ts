import type { Exchange } from '../exchange.ts'

const mostWaiting = 100
/** how long calls of an operation whose answers cannot be kept do not wait for one another */
const passMs = 2_000

/**
 * Of the same calls at the same moment one goes to the upstream, and the others wait for what it brings. One that waits
 * too long, or for an answer that cannot be kept, goes by itself.
 * @public
 */
export class SingleFlight {
  #flights = new Map<string, Flight>()
  #passUntilMs = Number.NEGATIVE_INFINITY
  #monotonicMs: () => number

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs
  }

  /** @returns the flight that this exchange leads; `waits` when it was taken as a waiter; undefined to go alone */
  join(
    key: string,
    exchange: Exchange,
    options: { waitMs: number; goOn: (exchange: Exchange) => void },
  ): Flight | 'waits' | undefined {
    const { waitMs, goOn } = options
    const flight = this.#flights.get(key)
    if (flight !== undefined)
      return flight.waiting.size < mostWaiting && flight.add(exchange, waitMs, goOn)
        ? 'waits'
        : undefined
    if (this.#monotonicMs() < this.#passUntilMs) return undefined
    const led = new Flight((stored) => {
      this.#flights.delete(key)
      if (!stored) this.#passUntilMs = this.#monotonicMs() + passMs
    })
    this.#flights.set(key, led)
    return led
  }
}

/** One call to the upstream, and who waits for it. */
export class Flight {
  readonly waiting = new Set<{ timer: NodeJS.Timeout; go: () => void }>()
  #onEnd: (stored: boolean) => void
  #ended = false

  constructor(onEnd: (stored: boolean) => void) {
    this.#onEnd = onEnd
  }

  add(exchange: Exchange, waitMs: number, goOn: (exchange: Exchange) => void): boolean {
    const waiter = {
      go: (): void => {
        clearTimeout(waiter.timer)
        this.waiting.delete(waiter)
        if (!exchange.settled) goOn(exchange)
      },
      timer: setTimeout(() => waiter.go(), waitMs),
    }
    this.waiting.add(waiter)
    return true
  }

  /** @param stored whether those who wait will find an answer */
  end(stored: boolean): void {
    if (this.#ended) return
    this.#ended = true
    this.#onEnd(stored)
    // In a later turn: the answer of the one that flew goes first.
    setImmediate(() => {
      for (const waiter of [...this.waiting]) waiter.go()
    })
  }
}
