import { type Eraser, erasedPseudonym } from '#platform/eraser'
import type { Platform } from '#platform/module'
import { lockSubject } from './begin-capture.ts'
import { changeConsent } from './change-consent.ts'
import { consentingOf } from './create-directory.ts'
import type { ConsentNeeds, Trx } from './needs.ts'
import { living } from './transitions.ts'

/**
 * Ends what a subscriber allowed and was asked, and takes their pseudonym out of the records, which stay: that somebody
 * was shown these words, and answered, and that it ended with an erasure.
 * @public
 */
export function consentEraser(platform: Platform, needs: ConsentNeeds): Eraser {
  const consenting = consentingOf(platform, needs)
  return {
    columns: [
      'consent.consent.subject',
      'consent.capture.subject',
      'consent.capture.sealed_number',
    ],
    async erase(anyTrx, { environment, pseudonym: subject }) {
      const trx = anyTrx as unknown as Trx
      await lockSubject(trx, { environment, subject })
      const captures = await trx
        .updateTable('consent.capture')
        .set((eb) => ({
          subject: erasedPseudonym,
          sealed_number: null,
          answered_at: eb.fn.coalesce('answered_at', eb.val(consenting.clock.now())),
        }))
        .where('environment', '=', environment)
        .where('subject', '=', subject)
        .executeTakeFirst()
      const rows = await trx
        .updateTable('consent.consent')
        .set({ subject: erasedPseudonym })
        .where('environment', '=', environment)
        .where('subject', '=', subject)
        .returningAll()
        .execute()
      for (const row of rows) {
        if (!living.includes(row.state)) continue
        const open = row.state === 'PENDING' || row.state === 'REQUESTED'
        const evidence = { by_kind: 'system', channel: 'erasure' } as const
        await changeConsent(consenting, trx, row, open ? 'DENIED' : 'WITHDRAWN', evidence)
      }
      return {
        'consent.consent': rows.length,
        'consent.capture': Number(captures.numUpdatedRows),
      }
    },
  }
}
