import { sql } from 'kysely'
import type { Eraser } from '#platform/eraser'

/**
 * Takes a subscriber out of the records of exchanges, and what leads from one call to the next; calls and sums stay.
 * @public
 */
export const meteringEraser: Eraser = {
  columns: ['metering.exchange.subject'],
  async erase(trx, { environment, pseudonym }) {
    const { rows } = await sql<{ count: number }>`
      select metering.erase_subject(${environment}, ${pseudonym}) as count`.execute(trx)
    return { 'metering.exchange': rows[0]?.count ?? 0 }
  },
}
