import { sql, type Transaction } from 'kysely'
import type { Clock } from './clock.ts'
import type { DatabasePool } from './database.ts'

const keptMs = 7 * 86_400_000
const atOnce = 5_000

/**
 * Removes events that everybody has reacted to, after a week. Safe to run in any number of processes.
 * @returns how many
 * @public
 */
export async function forgetDeliveredEvents(database: DatabasePool, clock: Clock): Promise<number> {
  const before = new Date(clock.now().getTime() - keptMs)
  let gone = 0
  for (;;) {
    const { rows } = await sql<{ count: number }>`
      select platform.forget_delivered_events(${before}, ${atOnce}) as count`.execute(database.as())
    const count = rows[0]?.count ?? 0
    gone += count
    if (count < atOnce) return gone
  }
}

/**
 * Whether somebody has yet to react to an event that this text stands in.
 * @public
 */
export async function isOwedAbout<T>(trx: Transaction<T>, text: string): Promise<boolean> {
  const { rows } = await sql`
    select 1 from platform.delivery d join platform.outbox o on o.id = d.event_id
    where position(${text} in o.payload::text) > 0 limit 1`.execute(trx)
  return rows.length > 0
}

/**
 * What delivered events tell of a subscriber goes; the events stay.
 * @returns how many
 * @public
 */
export async function eraseFromEvents<T>(trx: Transaction<T>, pseudonym: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select platform.erase_from_events(${pseudonym}) as count`.execute(trx)
  return rows[0]?.count ?? 0
}
