import { type Kysely, sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { AuthorizationTables } from './tables.ts'

/** How long a client waits between two polls, in the beginning (OpenID CIBA, section 7.3). */
export const pollSeconds = 5
const slowDownSeconds = 5
const longestSeconds = 60
/** The way of two requests differs a little; who keeps to the interval is never told to slow down. */
const toleranceSeconds = 0.5

export type Poll = { early: boolean; intervalSeconds: number }

/**
 * Notes a poll and tells whether it came too early, in one statement: over any number of processes one of simultaneous
 * polls is in time, and each of the others makes the interval 5 s longer (section 11).
 */
export async function notePoll(
  db: Kysely<AuthorizationTables>,
  poll: { environment: Environment; id: string; at: Date; expiresAt: Date },
): Promise<Poll> {
  const early = sql`p.last_poll > excluded.last_poll
    - make_interval(secs => p.interval_seconds - ${sql.lit(toleranceSeconds)})`
  const { rows } = await sql<{ early: boolean; interval_seconds: number }>`
    insert into "authorization".ciba_poll as p
      (environment, id, last_poll, interval_seconds, early, expires_at)
    values (${poll.environment}, ${poll.id}, ${poll.at}, ${pollSeconds}, false, ${poll.expiresAt})
    on conflict (environment, id) do update set
      early = ${early},
      interval_seconds = case when ${early}
        then least(${longestSeconds}, p.interval_seconds + ${slowDownSeconds})
        else p.interval_seconds end,
      last_poll = greatest(p.last_poll, excluded.last_poll)
    returning early, interval_seconds`.execute(db)
  const [row] = rows
  if (row === undefined) throw new Error('a poll was not noted')
  return { early: row.early, intervalSeconds: row.interval_seconds }
}

/** Deletes at most `limit` rows, so that no statement holds many rows for long. */
export async function forgetExpiredPolls(
  db: Kysely<AuthorizationTables>,
  now: Date,
  limit: number,
): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from "authorization".ciba_poll where ctid = any (array(
      select ctid from "authorization".ciba_poll where expires_at < ${now}
      limit ${limit} for update skip locked))`.execute(db)
  return Number(numAffectedRows ?? 0n)
}
