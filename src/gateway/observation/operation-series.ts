import { Durations, type Sample } from './read-metric.ts'

const tiers = ['none', 'free', 'paid', 'enterprise'] as const
type Tier = (typeof tiers)[number]
const classes = ['0xx', '1xx', '2xx', '3xx', '4xx', '5xx'] as const
/** sides and targets of one operation: an upstream that names more is counted as `other` */
const mostUpstreams = 32

/**
 * Rate, errors and duration of one operation. Labels come from published documents, contracts' tiers and fixed sets, so
 * they are bounded whatever callers send.
 * @public
 */
export class OperationSeries {
  readonly api: string
  readonly operation: string
  #counts = new Float64Array(tiers.length * classes.length)
  #durations = new Durations()
  #upstreams = new Map<string, Durations>()

  constructor(api: string, operation: string) {
    this.api = api
    this.operation = operation
  }

  answered(status: number, totalMs: number, tier: Tier | undefined): void {
    const place = tiers.indexOf(tier ?? 'none') * classes.length + Math.floor(status / 100)
    this.#counts[place] = (this.#counts[place] ?? 0) + 1
    this.#durations.observe(totalMs)
  }

  upstreamAnswered(upstreamMs: number, upstream: string | undefined): void {
    const name = upstream ?? 'primary'
    const durations = this.#upstreams.get(name) ?? this.#added(name)
    durations.observe(upstreamMs)
  }

  *requests(): Generator<Sample> {
    const { api, operation } = this
    for (const [t, tier] of tiers.entries())
      for (const [c, status] of classes.entries()) {
        const value = this.#counts[t * classes.length + c] ?? 0
        if (value > 0) yield { labels: { api, operation, tier, status }, value }
      }
  }

  *durations(name: string): Generator<Sample> {
    if (this.#counts.every((count) => count === 0)) return
    yield* this.#durations.samples(name, { api: this.api, operation: this.operation })
  }

  *upstreamDurations(name: string): Generator<Sample> {
    const { api, operation } = this
    for (const [upstream, durations] of this.#upstreams)
      yield* durations.samples(name, { api, operation, upstream })
  }

  #added(name: string): Durations {
    const key = this.#upstreams.size < mostUpstreams ? name : 'other'
    const durations = this.#upstreams.get(key) ?? new Durations()
    this.#upstreams.set(key, durations)
    return durations
  }
}
