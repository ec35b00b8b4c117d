import type { Kysely } from 'kysely'
import { recordAction } from '#audit'
import { hasAccount } from './create-member.ts'
import { hashPassword } from './hash-password.ts'
import { consumeLink, peekLink } from './link-store.ts'
import { registeredEvent } from './mail-events.ts'
import type { Identifying } from './needs.ts'
import { passwordFaults } from './password-policy.ts'
import { linkNotValid, refuseFaults } from './refuse-faults.ts'
import type { InvitationAcceptance } from './schema.ts'
import { actorOf } from './sign-in.ts'
import { type Account, deleteInvitation, findInvitation, insertMember } from './store.ts'
import type { IdentityTables, InvitationRow } from './tables.ts'

/**
 * Makes a member of an invitation. The link came by mail, so the address is verified.
 * @throws AppError INVALID_ARGUMENT when the link or the password is not good; ALREADY_EXISTS when the address got an
 *   account meanwhile
 */
export async function acceptInvitation(
  identifying: Identifying,
  input: InvitationAcceptance,
  ip: string,
): Promise<Account> {
  const { db, outbox, clock } = identifying
  const invitation = await openInvitation(identifying, db, input.token)
  await refuseFaults(identifying, {
    linkIsOpen: invitation !== undefined,
    faults: passwordFaults(input.password, { email: invitation?.email }),
    ip,
  })
  const passwordHash = await hashPassword(input.password)
  return await db.transaction().execute(async (trx) => {
    const id = await consumeLink(identifying, trx, 'invitation', input.token)
    const current = id === undefined ? undefined : await findInvitation(trx, id)
    if (current === undefined || !(await deleteInvitation(trx, current.id))) throw linkNotValid()
    const now = clock.now()
    const person = {
      id: current.id,
      email: current.email,
      name: input.name.trim(),
      password_hash: passwordHash,
      email_verified_at: now,
      last_sign_in_at: now,
      created_at: now,
    }
    const { partner_id: partnerId, role } = current
    if (!(await insertMember(trx, person, { partnerId, role }))) throw hasAccount()
    const account: Account = {
      ...person,
      has_second_factor: false,
      kind: 'partner',
      partner_id: partnerId,
      role,
    }
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'member.joined',
      target: account.id,
      detail: { role },
    })
    const payload = { memberId: account.id, partnerId }
    await outbox.emit(trx, { type: registeredEvent, key: account.id, payload })
    return account
  })
}

async function openInvitation(
  identifying: Identifying,
  db: Kysely<IdentityTables>,
  token: string,
): Promise<InvitationRow | undefined> {
  const id = await peekLink(identifying, db, 'invitation', token)
  return id === undefined ? undefined : await findInvitation(db, id)
}
