import type { Transaction } from 'kysely'
import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { afterFactorRemoved, lockFactors, tellPerson } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { deletePasskey } from './passkey-store.ts'
import { issueRecoveryCodes } from './recovery-codes.ts'
import { actorOf } from './sign-in.ts'
import type { Account } from './store.ts'
import type { IdentityTables } from './tables.ts'
import { deleteTotp } from './totp-store.ts'

/** @throws AppError NOT_FOUND; INCOMPATIBLE_STATE for the last second factor of somebody who must have one */
export const removePasskey = (
  identifying: Identifying,
  personId: string,
  passkeyId: string,
): Promise<void> =>
  change(identifying, personId, async (trx, account) => {
    if (!(await deletePasskey(trx, personId, passkeyId)))
      throw new AppError('NOT_FOUND', 'There is no such passkey.')
    await afterFactorRemoved(identifying, trx, personId)
    await recordAction(identifying.outbox, trx, {
      actor: actorOf(account),
      action: 'passkey.removed',
      target: personId,
      detail: { passkey: passkeyId },
    })
    await tellPerson(identifying, trx, personId, {
      subject: 'A passkey was removed from your account',
      happened: 'A passkey was just removed from your account. It signs in no more.',
    })
  })

/** @throws AppError NOT_FOUND; INCOMPATIBLE_STATE for the last second factor of somebody who must have one */
export const removeTotp = (identifying: Identifying, personId: string): Promise<void> =>
  change(identifying, personId, async (trx, account) => {
    if (!(await deleteTotp(trx, personId)))
      throw new AppError('NOT_FOUND', 'There is no authenticator app.')
    await afterFactorRemoved(identifying, trx, personId)
    await recordAction(identifying.outbox, trx, {
      actor: actorOf(account),
      action: 'totp.removed',
      target: personId,
    })
    await tellPerson(identifying, trx, personId, {
      subject: 'The authenticator app was removed from your account',
      happened:
        'The authenticator app of your account was just removed. Its codes are not asked for any more.',
    })
  })

/**
 * New codes; those that were left end.
 * @throws AppError INCOMPATIBLE_STATE without a second factor, which they would stand in for
 */
export const renewRecoveryCodes = (identifying: Identifying, personId: string): Promise<string[]> =>
  change(identifying, personId, async (trx, account) => {
    if (!account.has_second_factor) {
      throw new AppError(
        'INCOMPATIBLE_STATE',
        'Recovery codes stand in for a second factor: add a passkey or an authenticator app first.',
      )
    }
    const codes = await issueRecoveryCodes(identifying, trx, personId)
    await recordAction(identifying.outbox, trx, {
      actor: actorOf(account),
      action: 'recovery-codes.renewed',
      target: personId,
    })
    await tellPerson(identifying, trx, personId, {
      subject: 'You have new recovery codes',
      happened:
        'New recovery codes were just made for your account. The codes before them are good no more.',
    })
    return codes
  })

const change = <T>(
  { db }: Identifying,
  personId: string,
  work: (trx: Transaction<IdentityTables>, account: Account) => Promise<T>,
): Promise<T> =>
  db.transaction().execute(async (trx) => await work(trx, await lockFactors(trx, personId)))
