import { sql } from 'kysely'
import { AppError } from './app-error.ts'
import type { DatabasePool } from './database.ts'

/** @public */
export type AttemptLimit = { name: string; limit: number; windowSeconds: number }

/**
 * Counts attempts in fixed windows in PostgreSQL, so that the limit holds over any number of processes.
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
        insert into platform.attempt as a (key, window_start, count)
        values (
          ${`${limit.name}:${key}`},
          to_timestamp(floor(extract(epoch from now()) / ${limit.windowSeconds}) * ${limit.windowSeconds}),
          1)
        on conflict (key, window_start) do update set count = a.count + 1
        returning count,
          ceil(extract(epoch from window_start) + ${limit.windowSeconds} - extract(epoch from now()))::int as retry`.execute(
        db,
      )
      const row = rows[0]
      if (row === undefined || row.count <= limit.limit) return
      const seconds = Math.max(1, row.retry)
      throw new AppError('TOO_MANY_REQUESTS', `Too many attempts. Try again in ${seconds} s.`, {
        headers: { 'retry-after': String(seconds) },
      })
    },
    async giveBack(limit, key) {
      // In a window that has begun meanwhile nothing was counted, and nothing is taken off it.
      await sql`
        update platform.attempt set count = count - 1
        where key = ${`${limit.name}:${key}`} and count > 0 and window_start =
          to_timestamp(floor(extract(epoch from now()) / ${limit.windowSeconds}) * ${limit.windowSeconds})`.execute(
        db,
      )
    },
  }
}

/**
 * Forgets windows that ended more than a day ago.
 * @public
 */
export async function forgetOldAttempts(database: DatabasePool): Promise<void> {
  await sql`delete from platform.attempt where window_start < now() - interval '1 day'`.execute(
    database.as<Record<never, never>>(),
  )
}
