import { sql } from 'kysely'
import { AppError } from './app-error.ts'
import type { DatabasePool } from './database.ts'

/** @public */
export type AttemptLimit = { name: string; limit: number; windowSeconds: number }

/**
 * Counts attempts in PostgreSQL, so that the limit holds over any number of processes. A window begins with the first
 * attempt by a key.
 * @public
 */
export interface Attempts {
  /**
   * Counts one attempt by this key.
   * @throws AppError TOO_MANY_REQUESTS with `Retry-After` when the window is used up
   */
  take(limit: AttemptLimit, key: string): Promise<void>
  /** Takes one attempt back that was counted a moment ago: it turned out to be none of those that are limited. */
  giveBack(limit: AttemptLimit, key: string): Promise<void>
}

/** @public */
export function createAttempts(database: DatabasePool): Attempts {
  const db = database.as<Record<never, never>>()
  return {
    async take(limit, key) {
      const { rows } = await sql<{ count: number; retry: number }>`
        insert into platform.attempt_count as a (key, count, ends_at)
        values (${`${limit.name}:${key}`}, 1, now() + make_interval(secs => ${limit.windowSeconds}))
        on conflict (key) do update set
          count = case when a.ends_at <= now() then 1 else a.count + 1 end,
          ends_at = case when a.ends_at <= now() then excluded.ends_at else a.ends_at end
        returning count, ceil(extract(epoch from ends_at - now()))::int as retry`.execute(db)
      const row = rows[0]
      if (row === undefined || row.count <= limit.limit) return
      const seconds = Math.max(1, row.retry)
      throw new AppError('TOO_MANY_REQUESTS', `Too many attempts. Try again in ${seconds} s.`, {
        headers: { 'retry-after': String(seconds) },
      })
    },
    async giveBack(limit, key) {
      await sql`
        update platform.attempt_count set count = count - 1
        where key = ${`${limit.name}:${key}`} and count > 0 and ends_at > now()`.execute(db)
    },
  }
}

/**
 * Forgets windows that have ended.
 * @public
 */
export async function forgetOldAttempts(database: DatabasePool): Promise<void> {
  await sql`delete from platform.attempt_count where ends_at <= now()`.execute(
    database.as<Record<never, never>>(),
  )
}
