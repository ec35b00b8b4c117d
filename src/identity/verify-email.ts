import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { consumeLink } from './link-store.ts'
import { orderMail } from './mail-events.ts'
import type { Identifying } from './needs.ts'
import { linkNotValid } from './refuse-faults.ts'
import { actorOf } from './sign-in.ts'
import { findAccount, markEmailVerified } from './store.ts'

/** @throws AppError INVALID_ARGUMENT when the link is not good */
export async function confirmEmail(
  identifying: Identifying,
  token: string,
  ip: string,
): Promise<void> {
  const { db, outbox, clock, limiter } = identifying
  const used = await db.transaction().execute(async (trx) => {
    const personId = await consumeLink(identifying, trx, 'email-verification', token)
    const account = personId === undefined ? undefined : await findAccount(trx, personId)
    if (account === undefined) return undefined
    const marked = await markEmailVerified(trx, account, clock.now())
    if (marked === 'taken' || marked === 'gone') return undefined
    if (marked === 'confirmed') {
      await recordAction(outbox, trx, {
        actor: actorOf(account),
        action: 'email.verified',
        target: account.id,
      })
    }
    return account.id
  })
  if (used !== undefined) return
  await limiter.byAddress('wrongLinkByAddress', ip)
  throw linkNotValid()
}

/**
 * Orders another mail, unless the address is verified already.
 * @throws AppError TOO_MANY_REQUESTS
 */
export async function resendVerification(
  identifying: Identifying,
  personId: string,
): Promise<void> {
  const { db, limiter } = identifying
  const account = await findAccount(db, personId)
  if (account === undefined) throw new AppError('NOT_FOUND', 'There is no such person.')
  if (account.email_verified_at !== null) return
  await limiter.by('verificationMailByPerson', personId)
  // Anybody may open accounts with an address: its mailbox is protected over all of them, without a word about it.
  if (!(await limiter.isFree('confirmationMailByEmail', account.email))) return
  await db
    .transaction()
    .execute((trx) => orderMail(identifying, trx, { kind: 'verification', personId }))
}
