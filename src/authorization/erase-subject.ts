import type { Transaction } from 'kysely'
import type { Eraser } from '#platform/eraser'
import type { SubscriberTables } from './pages/subscriber-store.ts'

/**
 * Ends codes and sessions of the privacy page.
 * @public
 */
export const authorizationEraser: Eraser = {
  columns: ['authorization.subscriber_code.subject', 'authorization.subscriber_session.subject'],
  async erase(anyTrx, { environment, pseudonym }) {
    const trx = anyTrx as unknown as Transaction<SubscriberTables>
    const erased: Record<string, number> = {}
    for (const table of ['subscriber_code', 'subscriber_session'] as const) {
      const { numDeletedRows } = await trx
        .deleteFrom(`authorization.${table}`)
        .where('environment', '=', environment)
        .where('subject', '=', pseudonym)
        .executeTakeFirst()
      erased[`authorization.${table}`] = Number(numDeletedRows)
    }
    return erased
  },
}
