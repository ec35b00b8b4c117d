import { type Kysely, sql } from 'kysely'
import { lockFor } from '#platform/database'
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

const tableOf = (day: string): string => `exchange_${day.replaceAll('-', '')}`

export function createExchangeDays(db: Kysely<MeteringTables>): ExchangeDays {
  const known = new Set<string>()

  const create = (day: string): Promise<void> =>
    db.transaction().execute(async (trx) => {
      await lockFor(trx, 'metering.exchange_day')
      const there = await trx
        .selectFrom('metering.exchange_day')
        .select('day')
        .where('day', '=', day)
        .executeTakeFirst()
      if (there !== undefined) return
      const table = sql.id('metering', tableOf(day))
      // Attaching does not wait for readers and writers of other days, as creating a partition in place would.
      await sql`create table ${table} (like metering.exchange including all)`.execute(trx)
      await sql`alter table metering.exchange attach partition ${table}
        for values from (${sql.lit(day)}) to (${sql.lit(dayAfter(day))})`.execute(trx)
      await trx.insertInto('metering.exchange_day').values({ day, dropped_at: null }).execute()
    })

  return {
    async ensure(days) {
      for (const day of days) {
        if (known.has(day)) continue
        await create(day)
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
        await db.transaction().execute(async (trx) => {
          await lockFor(trx, 'metering.exchange_day')
          // Rather not now than holding up the intake behind a long reader.
          await sql`set local lock_timeout = '2s'`.execute(trx)
          await sql`drop table if exists ${sql.id('metering', tableOf(day))}`.execute(trx)
          await sql`update metering.exchange_day set dropped_at = ${now} where day = ${day}::date`.execute(
            trx,
          )
        })
        dropped.push(day)
      }
      return dropped
    },
  }
}

const dayAfter = (day: string): string => {
  const next = new Date(`${day}T00:00:00Z`)
  next.setUTCDate(next.getUTCDate() + 1)
  return next.toISOString().slice(0, 10)
}
