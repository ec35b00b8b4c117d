import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { lockFor } from '#platform/database'
import { orderMail } from './mail-events.ts'
import { hasMemberWith, type MemberRecord, upsertInvitation } from './member-store.ts'
import type { Identifying } from './needs.ts'
import type { NewMember } from './schema.ts'
import { normalEmail } from './sign-in.ts'

/**
 * Invites an address into a partner; a second invitation of the same address renews the first. An address that has an
 * account with somebody else is invited like any other, and learns from the mail that it cannot follow.
 * @throws AppError ALREADY_EXISTS for a member of this partner; TOO_MANY_REQUESTS
 */
export async function inviteMember(
  identifying: Identifying,
  partnerId: string,
  input: NewMember,
  actor: Exclude<Actor, { kind: 'anonymous' }>,
): Promise<MemberRecord> {
  const { db, outbox, clock, newId, limiter } = identifying
  await limiter.by('invitationByPartner', partnerId)
  const email = normalEmail(input.email)
  // Anybody can open a partner, so a stranger's mailbox is protected across all of them, without a word about it.
  const mayMail = await limiter.isFree('invitationByEmail', email)
  return await db.transaction().execute(async (trx) => {
    await lockFor(trx, `identity.partner.${partnerId}`)
    if (await hasMemberWith(trx, partnerId, email)) {
      throw new AppError('ALREADY_EXISTS', 'This person is a member already.')
    }
    const invitation = await upsertInvitation(trx, {
      id: newId('member'),
      partner_id: partnerId,
      email,
      role: input.role,
      invited_by: actor.id,
      created_at: clock.now(),
    })
    if (mayMail)
      await orderMail(identifying, trx, { kind: 'invitation', invitationId: invitation.id })
    await recordAction(outbox, trx, {
      actor,
      action: 'member.invited',
      target: invitation.id,
      partnerId,
      detail: { role: input.role },
    })
    const { id, role, created_at } = invitation
    const nobodyYet = { name: '', verified: false, last_sign_in_at: null, has_second_factor: false }
    return { id, email, role, state: 'invited', created_at, ...nobodyYet }
  })
}
