import type { Exchange } from '#metering/schema'

export const outcomes = ['all', '2xx', '4xx', '5xx', 'refused'] as const
export type Outcome = (typeof outcomes)[number]

/** "refused" is what the gateway itself turned away; the rest is by the first digit. */
export function matches(exchange: Exchange, outcome: Outcome): boolean {
  switch (outcome) {
    case 'all':
      return true
    case 'refused':
      return exchange.refusedBy !== undefined
    default:
      return String(exchange.status).startsWith(outcome.charAt(0))
  }
}

/** The ids of the calls that were not in the last reading; none of them at the first one. */
export function arrivals(
  seen: ReadonlySet<string> | undefined,
  rows: readonly { id: string }[],
): ReadonlySet<string> {
  if (seen === undefined) return new Set()
  return new Set(rows.filter((row) => !seen.has(row.id)).map((row) => row.id))
}
