import type { Quota } from '#snapshot'

/** A calendar day or month of a contract: its name, and when it ends. */
export type QuotaPeriod = { name: string; startMs: number; endMs: number }

/**
 * The day or month that contains a moment, in the contract's time zone.
 * @example quotaPeriod('day', 'Europe/Madrid', ms) // { name: '2026-03-29', … } of 23 hours
 */
export function quotaPeriod(period: Quota['period'], timeZone: string, nowMs: number): QuotaPeriod {
  const today = Temporal.Instant.fromEpochMilliseconds(Math.floor(nowMs))
    .toZonedDateTimeISO(timeZone)
    .toPlainDate()
  const first = period === 'day' ? today : today.with({ day: 1 })
  const next = first.add(period === 'day' ? { days: 1 } : { months: 1 })
  return {
    name: period === 'day' ? first.toString() : first.toPlainYearMonth().toString(),
    startMs: first.toZonedDateTime(timeZone).epochMilliseconds,
    endMs: next.toZonedDateTime(timeZone).epochMilliseconds,
  }
}
