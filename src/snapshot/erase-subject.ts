import { sql, type Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import type { Eraser } from '#platform/eraser'
import type { Platform } from '#platform/module'
import { putEntry, writerLock } from './store.ts'
import type { SnapshotTables } from './tables.ts'

/**
 * What gateways know of a subscriber: answers that they ask for, and objections in the feed.
 * @public
 */
export const snapshotEraser = ({ clock }: Pick<Platform, 'clock'>): Eraser => ({
  columns: ['snapshot.consent.subject'],
  async erase(anyTrx, { environment, pseudonym }) {
    const trx = anyTrx as unknown as Transaction<SnapshotTables>
    await lockFor(trx, writerLock)
    const { numDeletedRows } = await trx
      .deleteFrom('snapshot.consent')
      .where('environment', '=', environment)
      .where('subject', '=', pseudonym)
      .executeTakeFirst()
    const { rows } = await sql<{ id: string }>`
      select id from snapshot.entry where environment = ${environment} and kind = 'revocation'
        and body is not null and starts_with(id, ${`obj:${pseudonym}:`})`.execute(trx)
    for (const { id } of rows)
      await putEntry(trx, environment, 'revocation', id, undefined, clock.now())
    return { 'snapshot.consent': Number(numDeletedRows), 'snapshot.entry': rows.length }
  },
})
