import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { lockFor } from '#platform/database'
import { deleteLinks } from './link-store.ts'
import {
  changeRole,
  countOtherOwners,
  deleteInvitation,
  findMember,
  type MemberRecord,
} from './member-store.ts'
import type { Identifying } from './needs.ts'
import type { PartnerRole } from './schema.ts'
import { staleSessionsOf } from './session-store.ts'
import { deletePerson } from './store.ts'
import type { IdentityTables } from './tables.ts'

const noSuchMember = (): AppError => new AppError('NOT_FOUND', 'There is no such member.')

type Change = { partnerId: string; memberId: string; actor: Actor }

/** @throws AppError NOT_FOUND; INCOMPATIBLE_STATE for the last owner */
export function changeMemberRole(
  identifying: Identifying,
  { partnerId, memberId, actor }: Change,
  role: PartnerRole,
): Promise<MemberRecord> {
  return identifying.db.transaction().execute(async (trx) => {
    const member = await lockMember(trx, partnerId, memberId)
    if (role !== 'owner') await refuseLastOwner(trx, partnerId, member)
    await changeRole(trx, member, role)
    if (role !== member.role) await staleSessionsOf(trx, member.id)
    await recordAction(identifying.outbox, trx, {
      actor,
      action: 'member.role-changed',
      target: member.id,
      partnerId,
      detail: { from: member.role, to: role },
    })
    return { ...member, role }
  })
}

/**
 * Removes a member with its sessions and API tokens, or withdraws an invitation.
 * @throws AppError NOT_FOUND; INCOMPATIBLE_STATE for the last owner
 */
export async function removeMember(
  identifying: Identifying,
  { partnerId, memberId, actor }: Change,
): Promise<void> {
  await identifying.db.transaction().execute(async (trx) => {
    const member = await lockMember(trx, partnerId, memberId)
    await refuseLastOwner(trx, partnerId, member)
    if (member.state === 'active') {
      // First, as whoever uses one does: two that met halfway would both fail.
      await deleteLinks(trx, 'recovery', member.id)
      await deleteLinks(trx, 'email-verification', member.id)
      await deletePerson(trx, member.id)
    } else {
      await deleteInvitation(trx, member.id)
      await deleteLinks(trx, 'invitation', member.id)
    }
    await recordAction(identifying.outbox, trx, {
      actor,
      action: member.state === 'active' ? 'member.removed' : 'invitation.withdrawn',
      target: member.id,
      partnerId,
    })
  })
}

/** One change at a time for each partner: two owners must not remove each other at once. */
async function lockMember(
  trx: Transaction<IdentityTables>,
  partnerId: string,
  memberId: string,
): Promise<MemberRecord> {
  await lockFor(trx, `identity.partner.${partnerId}`)
  const member = await findMember(trx, partnerId, memberId)
  if (member === undefined) throw noSuchMember()
  return member
}

async function refuseLastOwner(
  trx: Transaction<IdentityTables>,
  partnerId: string,
  member: MemberRecord,
): Promise<void> {
  if (member.state !== 'active' || member.role !== 'owner') return
  if ((await countOtherOwners(trx, partnerId, member.id)) > 0) return
  throw new AppError(
    'INCOMPATIBLE_STATE',
    'This is the last owner of the partner: make another member an owner first.',
  )
}
