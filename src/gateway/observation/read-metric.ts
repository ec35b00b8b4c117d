import type { Metric, Registry } from 'prom-client'

type Labels = Readonly<Record<string, string>>
/** `name` when it is not that of the metric: the parts of a histogram have suffixes */
export type Sample = { labels: Labels; value: number; name?: string }

/**
 * A metric whose values are read when they are asked for. What happens on the path of a call is then an addition to a
 * number of ours: a counter of the library costs a third of a microsecond, and a histogram more.
 */
export function registerReadMetric(
  registry: Registry,
  options: {
    name: string
    help: string
    type: 'counter' | 'gauge' | 'histogram'
    labels: readonly string[]
    read: () => Iterable<Sample> | Promise<Iterable<Sample>>
  },
): void {
  const { name, help, type, labels, read } = options
  const metric = {
    ...{ name, help, type, aggregator: 'sum', labelNames: labels },
    reset: () => undefined,
    get: async () => ({
      ...{ name, help, type, aggregator: 'sum' },
      values: Array.from(await read(), (sample) => ({
        labels: { ...sample.labels },
        value: sample.value,
        ...(sample.name === undefined ? {} : { metricName: sample.name }),
      })),
    }),
  }
  registry.registerMetric(metric as unknown as Metric)
}

const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const limitsMs = Float64Array.from(bounds, (seconds) => seconds * 1_000)

/** Durations from a millisecond to half a minute; noting one is a short search and three additions. */
export class Durations {
  #buckets = new Float64Array(bounds.length + 1)
  #sumMs = 0

  observe(ms: number): void {
    let i = 0
    while (i < limitsMs.length && ms > (limitsMs[i] ?? 0)) i += 1
    this.#buckets[i] = (this.#buckets[i] ?? 0) + 1
    this.#sumMs += ms
  }

  *samples(name: string, labels: Labels): Generator<Sample> {
    let count = 0
    for (const [i, bound] of bounds.entries()) {
      count += this.#buckets[i] ?? 0
      yield { name: `${name}_bucket`, labels: { ...labels, le: String(bound) }, value: count }
    }
    count += this.#buckets[bounds.length] ?? 0
    yield { name: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count }
    yield { name: `${name}_sum`, labels, value: this.#sumMs / 1_000 }
    yield { name: `${name}_count`, labels, value: count }
  }
}
