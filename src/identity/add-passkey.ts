import { recordAction } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { afterFactorAdded, lockBySession, tellPerson } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { creationOptions, verifyCreation } from './passkey-protocol.ts'
import { insertPasskey, listPasskeys } from './passkey-store.ts'
import type { NewPasskey } from './schema.ts'
import { actorOf } from './sign-in.ts'
import { findAccount } from './store.ts'
import type { PasskeyRow } from './tables.ts'

const mostPasskeys = 20

/** @throws AppError NOT_FOUND when the person has left; INCOMPATIBLE_STATE with 20 passkeys */
export async function beginPasskey(identifying: Identifying, personId: string) {
  const { db, limiter } = identifying
  await limiter.by('passkeyOffersByPerson', personId)
  const account = await findAccount(db, personId)
  if (account === undefined) throw new AppError('NOT_FOUND', 'There is no such person.')
  const existing = await listPasskeys(db, personId)
  if (existing.length >= mostPasskeys) throw tooMany()
  return await creationOptions(identifying, account, existing)
}

const tooMany = (): AppError =>
  new AppError('INCOMPATIBLE_STATE', `You have ${mostPasskeys} passkeys: remove one first.`)

/**
 * Keeps a new passkey. One challenge makes one passkey.
 * @throws AppError INVALID_ARGUMENT when the answer of the authenticator is not good; ALREADY_EXISTS; INCOMPATIBLE_STATE
 */
export async function addPasskey(
  identifying: Identifying,
  { personId, id: sessionId }: { personId: string; id: string },
  input: NewPasskey,
): Promise<{ passkey: PasskeyRow; recoveryCodes: string[] | undefined }> {
  const { db, outbox, clock, newId } = identifying
  const key = await verifyCreation(identifying, personId, input.response)
  if (key === undefined) throw notMade()
  return await db.transaction().execute(async (trx) => {
    const account = await lockBySession(trx, { personId, id: sessionId })
    if ((await listPasskeys(trx, personId)).length >= mostPasskeys) throw tooMany()
    const passkey: PasskeyRow = {
      ...key,
      id: newId('passkey'),
      person_id: personId,
      name: input.name.trim(),
      created_at: clock.now(),
      last_used_at: null,
    }
    if (!(await insertPasskey(trx, passkey)))
      throw new AppError('ALREADY_EXISTS', 'This passkey is registered already.')
    const recoveryCodes = await afterFactorAdded(identifying, trx, account, sessionId)
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'passkey.added',
      target: personId,
      detail: { passkey: passkey.id, synced: passkey.synced },
    })
    await tellPerson(identifying, trx, personId, {
      subject: 'A passkey was added to your account',
      happened: 'A passkey was just added to your account. It signs in without your password.',
    })
    return { passkey, recoveryCodes }
  })
}

const notMade = (): AppError =>
  invalidArgument([
    {
      path: '/response',
      message:
        'is not an answer to a challenge of ours that is still open, with its user verified: begin again',
    },
  ])
