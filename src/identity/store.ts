import type { Kysely, Selectable } from 'kysely'
import { sql, type Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import type { OperatorRole, PartnerRole } from './schema.ts'
import type { IdentityTables, InvitationRow, PersonRow } from './tables.ts'

type Db = Kysely<IdentityTables>
export type Trx = Transaction<IdentityTables>

/** A person with the one thing that it may do here: work for a partner or for the operator. */
export type Account = Selectable<PersonRow> & {
  /** a passkey or an authenticator app: then a password alone does not sign in */
  has_second_factor: boolean
} & (
    | { kind: 'partner'; partner_id: string; role: PartnerRole }
    | { kind: 'operator'; partner_id: null; role: OperatorRole }
  )

const hasFactor = sql<boolean>`(exists (select from identity.passkey k where k.person_id = p.id)
  or exists (select from identity.totp t where t.person_id = p.id))`

const accounts = (db: Db) =>
  db
    .selectFrom('identity.person as p')
    .leftJoin('identity.member as m', 'm.person_id', 'p.id')
    .leftJoin('identity.staff as s', 's.person_id', 'p.id')
    .selectAll('p')
    .select(['m.partner_id', 'm.role as member_role', 's.role as staff_role'])
    .select(hasFactor.as('has_second_factor'))

type AccountRow = Selectable<PersonRow> & {
  has_second_factor: boolean
  partner_id: string | null
  member_role: PartnerRole | null
  staff_role: OperatorRole | null
}

function toAccount(row: AccountRow | undefined): Account | undefined {
  if (row === undefined) return undefined
  const { partner_id, member_role, staff_role, ...person } = row
  if (staff_role !== null)
    return { ...person, kind: 'operator', partner_id: null, role: staff_role }
  if (partner_id === null || member_role === null) return undefined
  return { ...person, kind: 'partner', partner_id, role: member_role }
}

export const findAccount = async (db: Db, id: string): Promise<Account | undefined> =>
  toAccount(await accounts(db).where('p.id', '=', id).executeTakeFirst())

/** The account of whoever has confirmed the address. */
export const findHolder = async (db: Db, email: string): Promise<Account | undefined> =>
  toAccount(
    await accounts(db)
      .where('p.email', '=', email)
      .where('p.email_verified_at', 'is not', null)
      .executeTakeFirst(),
  )

/**
 * Of the accounts that were opened with an address and have not confirmed it the newest, or the newest that is this one,
 * of this partner, or has this hash of a password. Anybody may open any number of them, so none is looked for in a list.
 */
export const findClaim = async (
  db: Db,
  email: string,
  by: { id?: string; partnerId?: string; passwordHash?: string } = {},
): Promise<Account | undefined> =>
  toAccount(
    await accounts(db)
      .where('p.email', '=', email)
      .where('p.email_verified_at', 'is', null)
      .$if(by.id !== undefined, (query) => query.where('p.id', '=', by.id ?? ''))
      .$if(by.partnerId !== undefined, (query) =>
        query.where('m.partner_id', '=', by.partnerId ?? ''),
      )
      .$if(by.passwordHash !== undefined, (query) =>
        query.where('p.password_hash', '=', by.passwordHash ?? ''),
      )
      .orderBy('p.created_at', 'desc')
      .orderBy('p.id', 'desc')
      .limit(1)
      .executeTakeFirst(),
  )

/** How many accounts were opened with an address between two moments. */
export const countOpened = async (db: Db, email: string, from: Date, to: Date): Promise<number> => {
  const { count } = await db
    .selectFrom('identity.person')
    .where('email', '=', email)
    .where('created_at', '>', from)
    .where('created_at', '<', to)
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

/**
 * A violated constraint would be written into the log of PostgreSQL, e-mail address and all; so addresses are confirmed
 * one after the other.
 */
const lockAddress = (trx: Trx, email: string) => lockFor(trx, `identity.address.${email}`)

/** @returns false when the address is confirmed here, and somebody else has confirmed it */
export async function insertPerson(trx: Trx, person: PersonRow): Promise<boolean> {
  if (person.email_verified_at !== null) {
    await lockAddress(trx, person.email)
    if ((await findHolder(trx, person.email)) !== undefined) return false
  }
  await trx.insertInto('identity.person').values(person).execute()
  return true
}

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

/** @returns false when somebody else has confirmed the address */
export async function insertFirstOperator(
  db: Trx,
  person: PersonRow,
  role: OperatorRole,
): Promise<boolean> {
  if (!(await insertPerson(db, person))) return false
  await db.insertInto('identity.staff').values({ person_id: person.id, role }).execute()
  await db
    .insertInto('identity.first_operator')
    .values({ person_id: person.id, created_at: person.created_at })
    .execute()
  return true
}

export const hasFirstOperator = async (db: Db): Promise<boolean> =>
  (await db.selectFrom('identity.first_operator').select('person_id').executeTakeFirst()) !==
  undefined

export async function setPassword(db: Db, personId: string, passwordHash: string): Promise<void> {
  await db
    .updateTable('identity.person')
    .set({ password_hash: passwordHash })
    .where('id', '=', personId)
    .execute()
}

export async function noteSignIn(db: Db, personId: string, now: Date): Promise<void> {
  await db
    .updateTable('identity.person')
    .set({ last_sign_in_at: now })
    .where('id', '=', personId)
    .execute()
}

/** @returns whether the address is the person's now, or was before, or is somebody else's meanwhile; or nobody's */
export async function markEmailVerified(
  trx: Trx,
  { id, email }: Pick<PersonRow, 'id' | 'email'>,
  now: Date,
): Promise<'confirmed' | 'before' | 'taken' | 'gone'> {
  await lockAddress(trx, email)
  const holder = await findHolder(trx, email)
  if (holder !== undefined) return holder.id === id ? 'before' : 'taken'
  const { numUpdatedRows } = await trx
    .updateTable('identity.person')
    .set({ email_verified_at: now })
    .where('id', '=', id)
    .executeTakeFirst()
  return numUpdatedRows === 0n ? 'gone' : 'confirmed'
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
}

const roster = (db: Db, partnerId: string) =>
  db
    .selectFrom('identity.member as m')
    .innerJoin('identity.person as p', 'p.id', 'm.person_id')
    .where('m.partner_id', '=', partnerId)
    .select(['p.id', 'p.name', 'p.email', 'm.role', 'p.created_at'])
    .select(sql<boolean>`p.email_verified_at is not null`.as('verified'))
    .select(sql<'active' | 'invited'>`'active'`.as('state'))
    .unionAll(
      db
        .selectFrom('identity.invitation as i')
        .where('i.partner_id', '=', partnerId)
        .select(['i.id', sql<string>`''`.as('name'), 'i.email', 'i.role', 'i.created_at'])
        .select(sql<boolean>`false`.as('verified'))
        .select(sql<'active' | 'invited'>`'invited'`.as('state')),
    )

/** Members and open invitations of a partner, oldest first. */
export async function listMembers(
  db: Db,
  partnerId: string,
  page: { limit: number; offset: number },
): Promise<{ rows: MemberRecord[]; total: number }> {
  const all = db.selectFrom(roster(db, partnerId).as('roster'))
  const [rows, count] = await Promise.all([
    all
      .selectAll()
      .orderBy('created_at')
      .orderBy('id')
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    all.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: count.total }
}

export const findMember = (
  db: Db,
  partnerId: string,
  id: string,
): Promise<MemberRecord | undefined> =>
  db
    .selectFrom(roster(db, partnerId).as('roster'))
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()

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
  (await accounts(db)
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

/** Sessions, memberships and API tokens of the person go with it. */
export const deletePerson = (db: Db, id: string) =>
  db.deleteFrom('identity.person').where('id', '=', id).execute()

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
