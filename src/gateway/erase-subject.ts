import { sql } from 'kysely'
import { type Eraser, erasedPseudonym } from '#platform/eraser'

/**
 * Things that were made for a subscriber (payments, sessions) stay theirs, so that nobody else reaches them, and nobody
 * can tell whose.
 * @public
 */
export const gatewayEraser: Eraser = {
  columns: ['gateway.resource_owner.subject'],
  async erase(trx, { environment, pseudonym }) {
    const { numAffectedRows } = await sql`
      update gateway.resource_owner set subject = ${erasedPseudonym}
      where environment = ${environment} and subject = ${pseudonym}`.execute(trx)
    return { 'gateway.resource_owner': Number(numAffectedRows ?? 0) }
  },
}
