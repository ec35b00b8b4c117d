import type { UpstreamCare } from '#snapshot'
import type { UpstreamResponse } from '../exchange.ts'
import { UpstreamCall, type UpstreamReceiver } from './upstream-call.ts'
import type { Endpoint } from './upstream-endpoint.ts'

type HealthSettings = NonNullable<UpstreamCare['health']>

const largestAnswer = 65_536
const firstWithinMs = 200

/**
 * Asks a target at its own times: `GET` of a path of its host, where any 2xx is well. A target that fails
 * `unhealthyAfter` times in a row gets no calls until it answers again.
 */
export class HealthCheck implements UpstreamReceiver {
  #endpoint: Endpoint
  #settings: HealthSettings
  #onChange: (endpoint: Endpoint) => void
  #timer: NodeJS.Timeout | undefined
  #call: UpstreamCall | undefined
  #failures = 0
  #stopped = false

  constructor(
    endpoint: Endpoint,
    settings: HealthSettings,
    options: { random: () => number; onChange: (endpoint: Endpoint) => void },
  ) {
    this.#endpoint = endpoint
    this.#settings = settings
    this.#onChange = options.onChange
    // Spread, so that many targets are not all asked in the same moment.
    this.#timer = setTimeout(() => this.#ask(), options.random() * firstWithinMs).unref()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#call?.cancel()
  }

  hold(): boolean {
    return true
  }

  received({ status }: UpstreamResponse): void {
    this.#told(status >= 200 && status < 300)
  }

  failed(): void {
    this.#told(false)
  }

  #ask(): void {
    this.#call = new UpstreamCall({
      origin: this.#endpoint.origin,
      request: {
        method: 'GET',
        path: this.#settings.path,
        headers: ['accept', '*/*', 'user-agent', 'wayleave-health'],
        body: null,
      },
      deadlineMs: this.#settings.timeoutMs,
      largest: largestAnswer,
      receiver: this,
    })
    this.#call.start()
  }

  #told(well: boolean): void {
    if (this.#stopped) return
    this.#failures = well ? 0 : this.#failures + 1
    const endpoint = this.#endpoint
    const before = endpoint.healthy
    if (well) endpoint.healthy = true
    else if (this.#failures >= this.#settings.unhealthyAfter) endpoint.healthy = false
    if (endpoint.healthy !== before) this.#onChange(endpoint)
    this.#timer = setTimeout(() => this.#ask(), this.#settings.intervalSeconds * 1_000).unref()
  }
}
