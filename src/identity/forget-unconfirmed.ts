import { type Kysely, sql, type Transaction } from 'kysely'
import { recordAction } from '#audit'
import { lockFor } from '#platform/database'
import { deleteLinks } from './link-store.ts'
import type { Identifying } from './needs.ts'
import type { IdentityTables } from './tables.ts'

type Db = Kysely<IdentityTables>
type Trx = Transaction<IdentityTables>

/** The last member of an organisation is gone; what it called with ends. */
const abandonedEvent = 'partner.abandoned'

/** So many days an account may be neither confirmed nor used. */
export const unconfirmedDays = 90

const atOnce = 200
const actor = { kind: 'system', id: 'unconfirmed-accounts' } as const

/**
 * Ends organisations of one person whose address was never confirmed, and which nobody has used for `unconfirmedDays`:
 * whoever opens accounts with addresses of others fills no table for ever. Nothing becomes free by it: an address that is
 * not confirmed was nobody's, and ids are not given again. Who uses one keeps it, and what more than one person, an
 * identity provider or a token of the command line belongs to is never taken.
 * @param isInUse whether the applications of an organisation call, or it has agreed to something
 * @returns how many were ended
 */
export async function forgetUnconfirmed(
  identifying: Identifying,
  isInUse: (partnerId: string, since: Date) => Promise<boolean>,
): Promise<number> {
  const { db, clock } = identifying
  const since = new Date(clock.now().getTime() - unconfirmedDays * 24 * 3_600_000)
  let ended = 0
  for (let after = ''; ; ) {
    const found = await unused(db, since).where('p.id', '>', after).limit(atOnce).execute()
    for (const { id, partner_id: partnerId } of found) {
      if (await isInUse(partnerId, since)) continue
      const isEnded = await db
        .transaction()
        .execute((trx) => endOrganisation(identifying, trx, { id, partnerId, since }))
      if (isEnded) ended += 1
    }
    const last = found.at(-1)
    if (last === undefined || found.length < atOnce) return ended
    after = last.id
  }
}

/** Those that nobody has confirmed or used since then, and on which nothing else rests. */
const unused = (db: Db, since: Date) =>
  db
    .selectFrom('identity.person as p')
    .innerJoin('identity.member as m', 'm.person_id', 'p.id')
    .select(['p.id', 'm.partner_id'])
    .where('p.email_verified_at', 'is', null)
    .where('p.created_at', '<', since)
    .where(sql<boolean>`coalesce(p.last_sign_in_at, p.created_at) < ${since}
      and not exists (select from identity.session s where s.person_id = p.id and s.last_used_at >= ${since})
      and not exists (select from identity.token t where t.person_id = p.id and t.last_used_at >= ${since})
      and not exists (select from identity.token t where t.partner_id = m.partner_id and t.person_id is null)
      and not exists (select from identity.provider o where o.partner_id = m.partner_id)
      and not exists (select from identity.member o
        where o.partner_id = m.partner_id and o.person_id <> m.person_id)`)
    .orderBy('p.id')

/** @returns false when somebody confirmed, used or joined it meanwhile */
async function endOrganisation(
  { outbox }: Identifying,
  trx: Trx,
  { id, partnerId, since }: { id: string; partnerId: string; since: Date },
): Promise<boolean> {
  await lockFor(trx, `identity.partner.${partnerId}`)
  if ((await unused(trx, since).where('p.id', '=', id).executeTakeFirst()) === undefined)
    return false
  // In the order of those who use a link: whoever confirms the address at this moment is waited for, and then it stays.
  for (const purpose of ['recovery', 'email-verification'] as const)
    await deleteLinks(trx, purpose, id)
  const { numDeletedRows } = await trx
    .deleteFrom('identity.person')
    .where('id', '=', id)
    .where('email_verified_at', 'is', null)
    .executeTakeFirst()
  if (numDeletedRows === 0n) return false
  await deleteInvitations(trx, partnerId)
  await trx.deleteFrom('identity.email_domain').where('partner_id', '=', partnerId).execute()
  await recordAction(outbox, trx, { actor, action: 'member.expired', target: id, partnerId })
  await outbox.emit(trx, { type: abandonedEvent, key: partnerId, payload: { partnerId } })
  return true
}

async function deleteInvitations(trx: Trx, partnerId: string): Promise<void> {
  const invitations = await trx
    .deleteFrom('identity.invitation')
    .where('partner_id', '=', partnerId)
    .returning('id')
    .execute()
  for (const { id } of invitations) await deleteLinks(trx, 'invitation', id)
}
