import { type Kysely, sql } from 'kysely'
import type { PartnerRole } from './schema.ts'
import { hasFactor, insertPerson, type Trx } from './store.ts'
import type { IdentityTables, InvitationRow, PersonRow } from './tables.ts'
import { type Page, pageOfTeam } from './team-page.ts'

type Db = Kysely<IdentityTables>

/** @returns false when the address is confirmed here, and somebody else has confirmed it */
export async function insertMember(
  db: Trx,
  person: PersonRow,
  member: { partnerId: string; role: PartnerRole },
): Promise<boolean> {
  if (!(await insertPerson(db, person))) return false
  await db
    .insertInto('identity.member')
    .values({ person_id: person.id, partner_id: member.partnerId, role: member.role })
    .execute()
  return true
}

export const countMembers = async (db: Db, partnerId: string): Promise<number> => {
  const { count } = await db
    .selectFrom('identity.member')
    .where('partner_id', '=', partnerId)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

export const hasVerifiedMember = async (db: Db, partnerId: string): Promise<boolean> =>
  (await db
    .selectFrom('identity.member as m')
    .innerJoin('identity.person as p', 'p.id', 'm.person_id')
    .select('p.id')
    .where('m.partner_id', '=', partnerId)
    .where('p.email_verified_at', 'is not', null)
    .limit(1)
    .executeTakeFirst()) !== undefined

export const memberIds = async (db: Db, partnerId: string): Promise<string[]> => {
  const rows = await db
    .selectFrom('identity.member')
    .select('person_id')
    .where('partner_id', '=', partnerId)
    .orderBy('person_id')
    .execute()
  return rows.map((row) => row.person_id)
}

export type MemberRecord = {
  id: string
  name: string
  email: string
  role: PartnerRole
  verified: boolean
  state: 'active' | 'invited'
  created_at: Date
  last_sign_in_at: Date | null
  has_second_factor: boolean
}

const team = (db: Db, partnerId: string) =>
  db
    .selectFrom('identity.member as m')
    .innerJoin('identity.person as p', 'p.id', 'm.person_id')
    .where('m.partner_id', '=', partnerId)
    .select(['p.id', 'p.name', 'p.email', 'm.role', 'p.created_at', 'p.last_sign_in_at'])
    .select(hasFactor.as('has_second_factor'))
    .select(sql<boolean>`p.email_verified_at is not null`.as('verified'))
    .select(sql<'active' | 'invited'>`'active'`.as('state'))
    .unionAll(
      db
        .selectFrom('identity.invitation as i')
        .where('i.partner_id', '=', partnerId)
        .select(['i.id', sql<string>`''`.as('name'), 'i.email', 'i.role', 'i.created_at'])
        .select(sql<Date | null>`null`.as('last_sign_in_at'))
        .select(sql<boolean>`false`.as('has_second_factor'))
        .select(sql<boolean>`false`.as('verified'))
        .select(sql<'active' | 'invited'>`'invited'`.as('state')),
    )

/** Members and open invitations of a partner, oldest first. */
export const listMembers = (db: Db, partnerId: string, page: Page) =>
  pageOfTeam<MemberRecord>(db, team(db, partnerId), page)

export const findMember = (
  db: Db,
  partnerId: string,
  id: string,
): Promise<MemberRecord | undefined> =>
  db.selectFrom(team(db, partnerId).as('team')).selectAll().where('id', '=', id).executeTakeFirst()

/** Whether somebody of a partner has this address, confirmed or not. */
export const hasMemberWith = async (db: Db, partnerId: string, email: string): Promise<boolean> =>
  (await db
    .selectFrom('identity.member as m')
    .innerJoin('identity.person as p', 'p.id', 'm.person_id')
    .select('p.id')
    .where('m.partner_id', '=', partnerId)
    .where('p.email', '=', email)
    .executeTakeFirst()) !== undefined

/** Whether some owner of a partner gets in without its identity provider. */
export const hasOwnerWithFactor = async (db: Db, partnerId: string): Promise<boolean> =>
  (await db
    .selectFrom('identity.member as m')
    .innerJoin('identity.person as p', 'p.id', 'm.person_id')
    .select('p.id')
    .where('m.partner_id', '=', partnerId)
    .where('m.role', '=', 'owner')
    .where(hasFactor)
    .limit(1)
    .executeTakeFirst()) !== undefined

export const countOtherOwners = async (
  db: Db,
  partnerId: string,
  memberId: string,
): Promise<number> => {
  const { count } = await db
    .selectFrom('identity.member')
    .where('partner_id', '=', partnerId)
    .where('role', '=', 'owner')
    .where('person_id', '!=', memberId)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

export async function changeRole(
  db: Db,
  member: Pick<MemberRecord, 'id' | 'state'>,
  role: PartnerRole,
): Promise<void> {
  if (member.state === 'active') {
    await db
      .updateTable('identity.member')
      .set({ role })
      .where('person_id', '=', member.id)
      .execute()
  } else {
    await db.updateTable('identity.invitation').set({ role }).where('id', '=', member.id).execute()
  }
}

/** @returns the id: the new one, or that of the invitation that this address has already */
export async function upsertInvitation(db: Db, row: InvitationRow): Promise<InvitationRow> {
  return await db
    .insertInto('identity.invitation')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .constraint('invitation_email')
        .doUpdateSet({ role: row.role, invited_by: row.invited_by }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()
}

export const findInvitation = (db: Db, id: string): Promise<InvitationRow | undefined> =>
  db.selectFrom('identity.invitation').selectAll().where('id', '=', id).executeTakeFirst()

export async function deleteInvitation(db: Db, id: string): Promise<boolean> {
  const result = await db.deleteFrom('identity.invitation').where('id', '=', id).executeTakeFirst()
  return result.numDeletedRows > 0n
}
