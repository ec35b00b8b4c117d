import { type Kysely, sql } from 'kysely'
import type { Clock } from '#platform/clock'
import { randomText } from '#platform/ids'
import { lockKeys } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'

/** For how many days the contents of each kind of evidence are kept; `undefined` is for ever. Hashes always are. */
export type KeepDays = Readonly<{
  exchanges: number | undefined
  /** since the consent ended */
  consents: number | undefined
  actions: number | undefined
}>

const dayMs = 86_400_000

/**
 * Takes away contents that are older than their period, and says so in the log, each in one transaction: it may run in any
 * number of processes, and stop anywhere.
 * @returns how many records went
 */
export async function forgetOldEvidence(
  db: Kysely<AuditTables>,
  clock: Clock,
  keep: KeepDays,
): Promise<number> {
  const now = clock.now()
  const oldest = await earlierClock(db, now)
  const before = (days: number): Date => new Date(oldest.getTime() - days * dayMs)
  let gone = 0
  if (keep.exchanges !== undefined) gone += await forgetExchanges(db, before(keep.exchanges), now)
  if (keep.consents !== undefined) {
    const until = before(keep.consents)
    gone += await untilNone(
      db,
      () => sql`select audit.forget_evidence('consent', ${newId()}, ${until}, ${now}) as gone`,
    )
  }
  if (keep.actions !== undefined) {
    const until = before(keep.actions)
    gone += await untilNone(
      db,
      () => sql`select audit.forget_actions(${newId()}, ${until}, ${now}) as gone`,
    )
  }
  return gone
}

const newId = (): string => `ret_${randomText(20)}`

/** A clock that runs years ahead must not take evidence away: the database has to agree. */
async function earlierClock(db: Kysely<AuditTables>, now: Date): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select clock_timestamp() as now`.execute(db)
  const there = rows[0]?.now ?? now
  return there < now ? there : now
}

/** In a transaction of its own, and not while somebody is erased: both take away from the same tables. */
async function holdingKeys(
  db: Kysely<AuditTables>,
  statement: ReturnType<typeof sql>,
): Promise<{ gone: number }[]> {
  return await db.transaction().execute(async (trx) => {
    await lockKeys(trx)
    return (await statement.execute(trx)).rows as { gone: number }[]
  })
}

async function untilNone(
  db: Kysely<AuditTables>,
  statement: () => ReturnType<typeof sql>,
): Promise<number> {
  let gone = 0
  for (;;) {
    const rows = await holdingKeys(db, statement())
    const some = rows[0]?.gone ?? 0
    if (some === 0) return gone
    gone += some
  }
}

async function forgetExchanges(db: Kysely<AuditTables>, before: Date, now: Date): Promise<number> {
  const day = before.toISOString().slice(0, 10)
  const { rows } = await sql<{ day: string }>`
    select day::text as day from audit.evidence_day where day < ${day}::date and dropped_at is null order by day`.execute(
    db,
  )
  let gone = 0
  for (const one of rows) {
    const told = await holdingKeys(
      db,
      sql`select audit.forget_exchange_day(${one.day}::date, ${newId()}, ${day}::date, ${now}) as gone`,
    )
    gone += told[0]?.gone ?? 0
  }
  for (;;) {
    const { rows: unused } = await sql<{ gone: number }>`
      select audit.forget_unused_keys(${before}) as gone`.execute(db)
    if ((unused[0]?.gone ?? 0) === 0) break
  }
  return gone
}
