import type { UpstreamCare } from '#snapshot'
import type { Endpoint } from './upstream-endpoint.ts'

export type CanarySettings = NonNullable<UpstreamCare['canary']>

/** Why a canary gets no calls any more. */
export type RollBack = {
  /** wall clock, milliseconds since 1970 */
  at: number
  calls: number
  errorPercent: number
  /** undefined when the stable side had no calls to compare with */
  stableErrorPercent: number | undefined
}

/**
 * A part of the applications is served from another place. The same application stays on its side while the percentage
 * stands, and when it rises. When more of its last `minCalls` calls failed than is allowed, and the stable side did
 * better, the canary gets none any more, until the API is published with other canary settings.
 */
export class Canary {
  readonly settings: CanarySettings
  readonly endpoint: Endpoint
  rolledBack: RollBack | undefined
  #apiId: string
  #own: LastCalls
  #stable: LastCalls

  constructor(apiId: string, settings: CanarySettings, endpoint: Endpoint) {
    this.settings = settings
    this.endpoint = endpoint
    this.#apiId = apiId
    this.#own = new LastCalls(settings.minCalls)
    this.#stable = new LastCalls(settings.minCalls)
  }

  takes(applicationId: string): boolean {
    if (this.rolledBack !== undefined) return false
    const { percent } = this.settings
    return percent > 0 && bucketOf(`${this.#apiId}\n${applicationId}`) < percent * 100
  }

  /**
   * A call that one of the sides served, or failed to.
   * @returns true when that was the one too many
   */
  seen(canary: boolean, failed: boolean, at: number): boolean {
    if (this.rolledBack !== undefined) return false
    if (!canary) {
      this.#stable.add(failed)
      return false
    }
    this.#own.add(failed)
    const own = this.#own.errorPercent() ?? 0
    const stable = this.#stable.errorPercent()
    if (this.#own.count < this.settings.minCalls || own <= this.settings.maxErrorPercent)
      return false
    if (stable !== undefined && stable >= own) return false
    this.rolledBack = {
      at,
      calls: this.#own.count,
      errorPercent: own,
      stableErrorPercent: stable,
    }
    return true
  }

  progress(): { calls: number; errorPercent: number; stableErrorPercent: number | undefined } {
    return {
      calls: this.#own.count,
      errorPercent: this.#own.errorPercent() ?? 0,
      stableErrorPercent: this.#stable.errorPercent(),
    }
  }
}

/** 0 to 9999, evenly: FNV-1a with the finish of MurmurHash3, because the end of an id is all that differs. */
export function bucketOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) % 10_000
}

/** Which of the last calls failed. */
class LastCalls {
  #outcomes: Uint8Array
  #next = 0
  #failed = 0
  count = 0

  constructor(size: number) {
    this.#outcomes = new Uint8Array(Math.max(1, size))
  }

  add(failed: boolean): void {
    const { length } = this.#outcomes
    if (this.count < length) this.count += 1
    else this.#failed -= this.#outcomes[this.#next] ?? 0
    this.#outcomes[this.#next] = failed ? 1 : 0
    if (failed) this.#failed += 1
    this.#next = (this.#next + 1) % length
  }

  errorPercent(): number | undefined {
    return this.count === 0 ? undefined : Math.round((this.#failed / this.count) * 10_000) / 100
  }
}
