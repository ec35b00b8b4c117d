import type { Registry } from 'prom-client'

/** What the library keeps of a metric; it has no other way to list its series without asking for their values. */
type Kept = {
  labelNames?: readonly string[]
  hashMap?: Readonly<Record<string, { labels: Readonly<Record<string, string>> } | undefined>>
  remove?: (labels: Readonly<Record<string, string>>) => void
}

/**
 * Takes the series away whose API or operation is published no more: a version that is gone must not be counted, and
 * years of versions must not fill the memory.
 */
export function forgetSeries(
  registry: Registry,
  published: ReadonlyMap<string, ReadonlySet<string>>,
): void {
  for (const metric of registry.getMetricsAsArray() as unknown as Kept[]) {
    if (metric.labelNames?.includes('api') !== true) continue
    for (const series of Object.values(metric.hashMap ?? {})) {
      const { api, operation } = series?.labels ?? {}
      if (series === undefined || api === undefined || api === 'none') continue
      const operations = published.get(api)
      const isThere =
        operations !== undefined && (operation === undefined || operations.has(operation))
      if (!isThere) metric.remove?.(series.labels)
    }
  }
}
