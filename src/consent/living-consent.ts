import { changeConsent } from './change-consent.ts'
import type { ConsentQuestion } from './face.ts'
import type { Consenting, Trx } from './needs.ts'
import { findLiving } from './store.ts'
import type { ConsentRow } from './tables.ts'

/** The living consent of exactly these scopes. One that time has ended, and the job has not come by yet, is ended first. */
export async function livingConsent(
  consenting: Consenting,
  trx: Trx,
  question: ConsentQuestion,
): Promise<ConsentRow | undefined> {
  const found = await findLiving(trx, { ...question, basis: 'consent' })
  if (found === undefined || found.expires_at === null) return found
  if (found.expires_at > consenting.clock.now()) return found
  await expire(consenting, trx, found)
  return undefined
}

export const expire = (consenting: Consenting, trx: Trx, row: ConsentRow): Promise<ConsentRow> =>
  changeConsent(consenting, trx, row, 'EXPIRED', {
    by_kind: 'system',
    channel: 'clock',
    reason: 'its time is over',
  })
