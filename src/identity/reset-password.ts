import { recordAction } from '#audit'
import { lockFactors } from './factor-rules.ts'
import { hashPassword } from './hash-password.ts'
import { consumeLink, peekLink } from './link-store.ts'
import { orderMail } from './mail-events.ts'
import type { Identifying } from './needs.ts'
import { passwordFaults } from './password-policy.ts'
import { linkNotValid, refuseFaults } from './refuse-faults.ts'
import { deleteFactorsAndTokens } from './reset-factors.ts'
import type { PasswordReset } from './schema.ts'
import { deleteSessionsOf } from './session-store.ts'
import { actorOf } from './sign-in.ts'
import { findAccount, markEmailVerified, setPassword } from './store.ts'
import { deleteTicketsOf } from './ticket-store.ts'

/**
 * Sets a new password by a mailed link and ends every session of the person. Whoever can read the mail has the
 * address, so it is verified as well. A second factor stays: reading the mail of somebody does not take its place.
 * @returns whose password it was
 * @throws AppError INVALID_ARGUMENT when the link or the password is not good
 */
export async function resetPassword(
  identifying: Identifying,
  input: PasswordReset,
  ip: string,
): Promise<string> {
  const { db, outbox, clock } = identifying
  // Looked at first: a stranger must not make us compute a hash.
  const personId = await peekLink(identifying, db, 'recovery', input.token)
  const account = personId === undefined ? undefined : await findAccount(db, personId)
  await refuseFaults(identifying, {
    linkIsOpen: account !== undefined,
    faults: passwordFaults(input.password, { email: account?.email }),
    ip,
  })
  const passwordHash = await hashPassword(input.password)
  return await db.transaction().execute(async (trx) => {
    const used = await consumeLink(identifying, trx, 'recovery', input.token)
    if (used === undefined || account === undefined) throw linkNotValid()
    // Whoever signs in just now, or adds a factor, is either ended by this or finds another password.
    await lockFactors(trx, used)
    const marked = await markEmailVerified(trx, account, clock.now())
    if (marked === 'taken' || marked === 'gone') throw linkNotValid()
    // Until now anybody may have opened it with this address: nothing that was made then opens it any more.
    if (marked === 'confirmed') await deleteFactorsAndTokens(trx, used)
    await setPassword(trx, used, passwordHash)
    await deleteSessionsOf(trx, used)
    await deleteTicketsOf(trx, used)
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'password.reset',
      target: used,
    })
    await orderMail(identifying, trx, { kind: 'password-changed', personId: used })
    return used
  })
}
