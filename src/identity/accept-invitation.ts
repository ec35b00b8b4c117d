import type { Kysely } from 'kysely'
import { recordAction } from '#audit'
import { hasAccount } from './create-member.ts'
import { hashPassword } from './hash-password.ts'
import { refuseWhereEnforced } from './identity-provider.ts'
import { consumeLink, peekLink } from './link-store.ts'
import { registeredEvent } from './mail-events.ts'
import { deleteInvitation, findInvitation, insertMember } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { passwordFaults } from './password-policy.ts'
import { linkNotValid, refuseFaults } from './refuse-faults.ts'
import type { InvitationAcceptance } from './schema.ts'
import { actorOf } from './sign-in.ts'
import { deleteStaffInvitation, findStaffInvitation, insertStaff } from './staff-store.ts'
import type { Account, Trx } from './store.ts'
import type { IdentityTables, InvitationRow, PersonRow, StaffInvitationRow } from './tables.ts'

type Invitation =
  | ({ purpose: 'invitation' } & InvitationRow)
  | ({ purpose: 'staff-invitation' } & StaffInvitationRow)

/**
 * Makes a member, or one of the staff, of an invitation. The link came by mail, so the address is confirmed.
 * @throws AppError INVALID_ARGUMENT when the link or the password is not good; ALREADY_EXISTS when the address got an
 *   account meanwhile; PERMISSION_DENIED where single sign-on is enforced
 */
export async function acceptInvitation(
  identifying: Identifying,
  input: InvitationAcceptance,
  ip: string,
): Promise<Account> {
  const { db, clock } = identifying
  const seen = await openInvitation(identifying, db, input.token)
  await refuseFaults(identifying, {
    linkIsOpen: seen !== undefined,
    faults: passwordFaults(input.password, { email: seen?.email }),
    ip,
  })
  if (seen === undefined) throw linkNotValid()
  await refuseWhereEnforced(identifying, {
    email: seen.email,
    ...(seen.purpose === 'invitation'
      ? { kind: 'partner', partner_id: seen.partner_id }
      : { kind: 'operator', partner_id: null }),
  })
  const passwordHash = await hashPassword(input.password)
  return await db.transaction().execute(async (trx) => {
    const invitation = await takeInvitation(identifying, trx, seen.purpose, input.token)
    const now = clock.now()
    const person = {
      id: invitation.id,
      email: invitation.email,
      name: input.name.trim(),
      password_hash: passwordHash,
      email_verified_at: now,
      last_sign_in_at: now,
      created_at: now,
    }
    return await join(identifying, trx, invitation, person)
  })
}

async function openInvitation(
  identifying: Identifying,
  db: Kysely<IdentityTables>,
  token: string,
): Promise<Invitation | undefined> {
  for (const purpose of ['invitation', 'staff-invitation'] as const) {
    const id = await peekLink(identifying, db, purpose, token)
    if (id !== undefined) return await findOpen(db, purpose, id)
  }
  return undefined
}

async function findOpen(
  db: Kysely<IdentityTables>,
  purpose: Invitation['purpose'],
  id: string,
): Promise<Invitation | undefined> {
  if (purpose === 'invitation') {
    const row = await findInvitation(db, id)
    return row && { purpose, ...row }
  }
  const row = await findStaffInvitation(db, id)
  return row && { purpose, ...row }
}

/** Uses up the link and the invitation as it is now: its role may have changed since it was mailed. */
async function takeInvitation(
  identifying: Identifying,
  trx: Trx,
  purpose: Invitation['purpose'],
  token: string,
): Promise<Invitation> {
  const id = await consumeLink(identifying, trx, purpose, token)
  const invitation = id === undefined ? undefined : await findOpen(trx, purpose, id)
  if (invitation === undefined) throw linkNotValid()
  const remove = purpose === 'invitation' ? deleteInvitation : deleteStaffInvitation
  if (!(await remove(trx, invitation.id))) throw linkNotValid()
  return invitation
}

async function join(
  identifying: Identifying,
  trx: Trx,
  invitation: Invitation,
  person: PersonRow,
): Promise<Account> {
  return invitation.purpose === 'invitation'
    ? await joinPartner(identifying, trx, invitation, person)
    : await joinStaff(identifying, trx, invitation, person)
}

async function joinPartner(
  { outbox }: Identifying,
  trx: Trx,
  { partner_id, role }: InvitationRow,
  person: PersonRow,
): Promise<Account> {
  if (!(await insertMember(trx, person, { partnerId: partner_id, role }))) throw hasAccount()
  const account = {
    ...person,
    has_second_factor: false,
    kind: 'partner',
    partner_id,
    role,
  } as const
  await recordAction(outbox, trx, {
    actor: actorOf(account),
    action: 'member.joined',
    target: account.id,
    detail: { role },
  })
  const payload = { memberId: account.id, partnerId: partner_id }
  await outbox.emit(trx, { type: registeredEvent, key: account.id, payload })
  return account
}

async function joinStaff(
  { outbox }: Identifying,
  trx: Trx,
  { role }: StaffInvitationRow,
  person: PersonRow,
): Promise<Account> {
  if (!(await insertStaff(trx, person, role))) throw hasAccount()
  const account = {
    ...person,
    has_second_factor: false,
    kind: 'operator',
    partner_id: null,
    role,
  } as const
  await recordAction(outbox, trx, {
    actor: actorOf(account),
    action: 'staff.joined',
    target: account.id,
    detail: { role },
  })
  return account
}
