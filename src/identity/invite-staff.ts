import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { lockStaff } from './change-staff.ts'
import { orderMail } from './mail-events.ts'
import type { Identifying } from './needs.ts'
import type { NewOperator } from './schema.ts'
import { normalEmail } from './sign-in.ts'
import { hasStaffWith, type StaffRecord, upsertStaffInvitation } from './staff-store.ts'

/**
 * Invites an address to join the staff; a second invitation of the same address renews the first. An address that has an
 * account with a partner learns from the mail that it cannot follow.
 * @throws AppError ALREADY_EXISTS for a colleague; TOO_MANY_REQUESTS
 */
export async function inviteStaff(
  identifying: Identifying,
  input: NewOperator,
  actor: Actor,
): Promise<StaffRecord> {
  const { db, outbox, clock, newId, limiter } = identifying
  await limiter.by('invitationByPartner', 'staff')
  const email = normalEmail(input.email)
  const mayMail = await limiter.isFree('invitationByEmail', email)
  return await db.transaction().execute(async (trx) => {
    await lockStaff(trx)
    if (await hasStaffWith(trx, email))
      throw new AppError('ALREADY_EXISTS', 'This person is one of the staff already.')
    const invitation = await upsertStaffInvitation(trx, {
      id: newId('staff'),
      email,
      role: input.role,
      invited_by: 'id' in actor ? actor.id : '',
      created_at: clock.now(),
    })
    const { id, role, created_at } = invitation
    if (mayMail) await orderMail(identifying, trx, { kind: 'staff-invitation', invitationId: id })
    await recordAction(outbox, trx, {
      actor,
      action: 'staff.invited',
      target: id,
      detail: { role },
    })
    return { id, name: '', email, role, state: 'invited', created_at }
  })
}
