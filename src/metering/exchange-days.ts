import { type Kysely, sql } from 'kysely'
import { retentionDays } from './check-records.ts'
import type { MeteringTables } from './tables.ts'
import { daysBefore } from './utc-day.ts'

/** The days of raw records: each is a partition of its own. */
export interface ExchangeDays {
  /** Makes room for these days; safe to be called by any number of processes at once. */
  ensure(days: Iterable<string>): Promise<void>
  /** Drops the raw records of days past retention; their sums stay. @returns the days that were dropped */
  dropExpired(now: Date): Promise<string[]>
}

export function createExchangeDays(db: Kysely<MeteringTables>): ExchangeDays {
  const known = new Set<string>()

  return {
    async ensure(days) {
      for (const day of days) {
        if (known.has(day)) continue
        await sql`select metering.make_exchange_day(${day}::date)`.execute(db)
        known.add(day)
      }
    },
    async dropExpired(now) {
      const expired = await sql<{ day: string }>`
        select day::text as day from metering.exchange_day
        where day < ${daysBefore(now, retentionDays)}::date and dropped_at is null order by day`.execute(
        db,
      )
      const dropped: string[] = []
      for (const { day } of expired.rows) {
        await sql`select metering.drop_exchange_day(${day}::date, ${now})`.execute(db)
        dropped.push(day)
      }
      return dropped
    },
  }
}
