import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { lockFactors, tellPerson } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { deleteRecoveryCodes } from './recovery-codes.ts'
import { deleteSessionsOf } from './session-store.ts'
import type { IdentityTables } from './tables.ts'
import { deleteTicketsOf } from './ticket-store.ts'
import { deleteTotp } from './totp-store.ts'

/**
 * Takes all factors but the password from a person who has lost them, and ends its sessions. It signs in with the
 * password then, or with a new one by mail, and adds new factors.
 */
export async function resetFactors(
  identifying: Identifying,
  trx: Transaction<IdentityTables>,
  personId: string,
  actor: Actor,
): Promise<void> {
  const account = await lockFactors(trx, personId)
  await deleteFactors(trx, personId)
  await deleteTicketsOf(trx, personId)
  await deleteSessionsOf(trx, personId)
  await recordAction(identifying.outbox, trx, {
    actor,
    action: 'factors.reset',
    target: personId,
    ...(account.kind === 'partner' && { partnerId: account.partner_id }),
  })
  await tellPerson(identifying, trx, personId, {
    subject: 'Your second factors were removed',
    happened: `${actor.kind === 'partner' ? 'An owner of your organisation' : 'An administrator'} has removed the passkeys, the authenticator app and the recovery codes of your account, because they were lost. Your password is as it was, and all sessions have ended.`,
  })
}

async function deleteFactors(trx: Transaction<IdentityTables>, personId: string): Promise<void> {
  await trx.deleteFrom('identity.passkey').where('person_id', '=', personId).execute()
  await deleteTotp(trx, personId)
  await deleteRecoveryCodes(trx, personId)
}

/** Everything but the password by which somebody can still act for this person. */
export async function deleteFactorsAndTokens(
  trx: Transaction<IdentityTables>,
  personId: string,
): Promise<void> {
  await deleteFactors(trx, personId)
  await trx.deleteFrom('identity.token').where('person_id', '=', personId).execute()
}
