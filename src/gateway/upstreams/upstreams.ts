import type { ApiEntry } from '#snapshot'
import { ServedApi, type Surroundings } from './served-api.ts'

const longestDrainMs = 90_000
const recallEveryMs = 2_000

/**
 * What every published API is served from. An API that is published again with the same upstream keeps its connections
 * and all that is known of its targets; another upstream begins anew, while the calls of the former one finish.
 * @public
 */
export class Upstreams {
  #around: Surroundings
  #served = new Map<string, ServedApi>()
  #retired = new Map<ServedApi, NodeJS.Timeout>()
  #recalling: NodeJS.Timeout

  constructor(around: Surroundings) {
    this.#around = around
    this.#recalling = setInterval(() => {
      for (const served of this.#served.values()) served.recallRollBack()
    }, recallEveryMs).unref()
  }

  of(api: ApiEntry): ServedApi {
    const before = this.#served.get(api.id)
    if (before?.api === api) return before
    if (
      before !== undefined &&
      JSON.stringify(before.api.upstream) === JSON.stringify(api.upstream)
    ) {
      before.republished(api)
      return before
    }
    const served = new ServedApi(api, this.#around, before)
    if (before !== undefined) this.#retire(before)
    this.#served.set(api.id, served)
    return served
  }

  /** The API is no more published. */
  drop(apiId: string): void {
    const served = this.#served.get(apiId)
    if (served === undefined) return
    this.#served.delete(apiId)
    this.#retire(served)
  }

  all(): IterableIterator<ServedApi> {
    return this.#served.values()
  }

  async stop(): Promise<void> {
    clearInterval(this.#recalling)
    const all = [...this.#served.values(), ...this.#retired.keys()]
    for (const timer of this.#retired.values()) clearTimeout(timer)
    await Promise.all(all.map((served) => served.close()))
  }

  #retire(served: ServedApi): void {
    served.stop()
    const timer = setTimeout(() => {
      this.#retired.delete(served)
      void served.close()
    }, longestDrainMs).unref()
    this.#retired.set(served, timer)
  }
}
