const dayMs = 86_400_000

/** `2026-03-01` for any moment of that UTC day. */
export const utcDay = (at: number): string => new Date(at).toISOString().slice(0, 10)

/** The days that these moments fall on, each once, with what falls on them. */
export function groupByDay<T extends { at: number }>(items: readonly T[]): Map<string, T[]> {
  const byNumber = Map.groupBy(items, (item) => Math.floor(item.at / dayMs))
  return new Map([...byNumber].map(([number, group]) => [utcDay(number * dayMs), group]))
}

/** The day `days` before this moment. */
export const daysBefore = (now: Date, days: number): string => utcDay(now.getTime() - days * dayMs)
