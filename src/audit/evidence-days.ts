import { type Kysely, sql } from 'kysely'
import type { AuditTables } from './tables.ts'

/** The days of exchanges: each is a partition of its own, which goes as a whole. */
export function createEvidenceDays(db: Kysely<AuditTables>) {
  const known = new Set<string>()
  return {
    /**
     * Makes room for what is appended now; safe to be called by any number of processes at once.
     * @returns the day
     * @throws when the contents of this day have gone already: the clock is wrong by years
     */
    async ensure(now: Date): Promise<string> {
      const day = now.toISOString().slice(0, 10)
      if (known.has(day)) return day
      const { rows } = await sql<{ there: boolean }>`
        select audit.make_evidence_day(${day}::date) as there`.execute(db)
      if (rows[0]?.there !== true)
        throw new Error(`the evidence of ${day} has been removed by its age: the clock is wrong`)
      known.add(day)
      return day
    },
  }
}
