import { type Kysely, sql } from 'kysely'
import type { OperatorRole } from './schema.ts'
import { insertPerson, type Trx } from './store.ts'
import type { IdentityTables, PersonRow, StaffInvitationRow } from './tables.ts'
import { type Page, pageOfTeam } from './team-page.ts'

type Db = Kysely<IdentityTables>

/** One of the staff, or somebody who was invited to be. */
export type StaffRecord = {
  id: string
  name: string
  email: string
  role: OperatorRole
  state: 'active' | 'invited'
  created_at: Date
}

/** @returns false when somebody else has confirmed the address */
export async function insertStaff(
  trx: Trx,
  person: PersonRow,
  role: OperatorRole,
): Promise<boolean> {
  if (!(await insertPerson(trx, person))) return false
  await trx.insertInto('identity.staff').values({ person_id: person.id, role }).execute()
  return true
}

const team = (db: Db) =>
  db
    .selectFrom('identity.staff as s')
    .innerJoin('identity.person as p', 'p.id', 's.person_id')
    .select(['p.id', 'p.name', 'p.email', 's.role', 'p.created_at'])
    .select(sql<'active' | 'invited'>`'active'`.as('state'))
    .unionAll(
      db
        .selectFrom('identity.staff_invitation as i')
        .select(['i.id', sql<string>`''`.as('name'), 'i.email', 'i.role', 'i.created_at'])
        .select(sql<'active' | 'invited'>`'invited'`.as('state')),
    )

/** The staff and its open invitations, oldest first. */
export const listStaff = (db: Db, page: Page) => pageOfTeam<StaffRecord>(db, team(db), page)

export const findStaff = (db: Db, id: string): Promise<StaffRecord | undefined> =>
  db.selectFrom(team(db).as('team')).selectAll().where('id', '=', id).executeTakeFirst()

/** Whether somebody of the staff has this address. */
export const hasStaffWith = async (db: Db, email: string): Promise<boolean> =>
  (await db
    .selectFrom('identity.staff as s')
    .innerJoin('identity.person as p', 'p.id', 's.person_id')
    .select('p.id')
    .where('p.email', '=', email)
    .executeTakeFirst()) !== undefined

export const hasOtherAdministrator = async (db: Db, personId: string): Promise<boolean> =>
  (await db
    .selectFrom('identity.staff')
    .select('person_id')
    .where('role', '=', 'administrator')
    .where('person_id', '!=', personId)
    .limit(1)
    .executeTakeFirst()) !== undefined

export async function setStaffRole(
  db: Db,
  { id, state }: Pick<StaffRecord, 'id' | 'state'>,
  role: OperatorRole,
): Promise<void> {
  if (state === 'active')
    await db.updateTable('identity.staff').set({ role }).where('person_id', '=', id).execute()
  else
    await db.updateTable('identity.staff_invitation').set({ role }).where('id', '=', id).execute()
}

/** Sessions, factors and API tokens of the person go with it. */
export async function deleteStaff(trx: Trx, personId: string): Promise<void> {
  await trx.deleteFrom('identity.staff').where('person_id', '=', personId).execute()
  await trx.deleteFrom('identity.person').where('id', '=', personId).execute()
}

/** @returns the new invitation, or the one that this address has already, renewed */
export const upsertStaffInvitation = (
  db: Db,
  row: StaffInvitationRow,
): Promise<StaffInvitationRow> =>
  db
    .insertInto('identity.staff_invitation')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .constraint('staff_invitation_email')
        .doUpdateSet({ role: row.role, invited_by: row.invited_by }),
    )
    .returningAll()
    .executeTakeFirstOrThrow()

export const findStaffInvitation = (db: Db, id: string): Promise<StaffInvitationRow | undefined> =>
  db.selectFrom('identity.staff_invitation').selectAll().where('id', '=', id).executeTakeFirst()

/** @returns false when it is gone already */
export async function deleteStaffInvitation(db: Db, id: string): Promise<boolean> {
  const result = await db
    .deleteFrom('identity.staff_invitation')
    .where('id', '=', id)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}
