import type { Kysely, Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import { entryHash, genesisHash } from './chain.ts'
import { lockKeys } from './subject-keys.ts'
import type { AuditTables, EntryRow } from './tables.ts'

type NewEntry = Omit<EntryRow, 'sequence' | 'previous_hash' | 'hash'>

/**
 * Until the transaction ends, nobody else goes on with the chain of actions. Whoever may append an action holds it before
 * the end of the log: events of both sorts are counted in one transaction, and retention takes them in this order.
 */
export async function lockChain(trx: Transaction<AuditTables>): Promise<void> {
  await lockKeys(trx)
  await lockFor(trx, 'audit.entry')
}

/** Appends one entry, unless its event has been counted. Appenders take turns: the chain has one end. */
export async function append(trx: Transaction<AuditTables>, entry: NewEntry): Promise<void> {
  await lockChain(trx)
  const counted = await trx
    .selectFrom('audit.entry')
    .select('sequence')
    .where('event_id', '=', entry.event_id)
    .executeTakeFirst()
  if (counted !== undefined) return
  const last = await trx
    .selectFrom('audit.entry')
    .select(['sequence', 'hash'])
    .orderBy('sequence', 'desc')
    .limit(1)
    .executeTakeFirst()
  const next = {
    ...entry,
    sequence: (last?.sequence ?? 0) + 1,
    previous_hash: last?.hash ?? genesisHash,
  }
  await trx
    .insertInto('audit.entry')
    .values({ ...next, detail: JSON.stringify(next.detail), hash: entryHash(next) })
    .execute()
}

/** When the oldest action that is kept was done: those before it have gone by their age. */
export async function oldestAction(db: Kysely<AuditTables>): Promise<Date | undefined> {
  const entry = await db
    .selectFrom('audit.entry')
    .select('occurred_at')
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst()
  return entry?.occurred_at
}

/** Entries after this sequence, oldest first. */
export const entriesAfter = (
  db: Kysely<AuditTables>,
  sequence: number,
  limit: number,
): Promise<EntryRow[]> =>
  db
    .selectFrom('audit.entry')
    .selectAll()
    .where('sequence', '>', sequence)
    .orderBy('sequence')
    .limit(limit)
    .execute()

/** Newest first; of one partner, or of everyone. */
export async function listEntries(
  db: Kysely<AuditTables>,
  options: { partnerId: string | undefined; limit: number; offset: number },
): Promise<{ rows: EntryRow[]; total: number }> {
  const { partnerId } = options
  const entries = db
    .selectFrom('audit.entry')
    .$if(partnerId !== undefined, (query) => query.where('partner_id', '=', partnerId ?? ''))
  const [rows, count] = await Promise.all([
    entries
      .selectAll()
      .orderBy('sequence', 'desc')
      .limit(options.limit)
      .offset(options.offset)
      .execute(),
    entries.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: count.total }
}
