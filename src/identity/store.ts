import type { Kysely, Selectable } from 'kysely'
import { sql, type Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import type { OperatorRole, PartnerRole } from './schema.ts'
import type { IdentityTables, PersonRow } from './tables.ts'

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

/** Of the person `p`. */
export const hasFactor = sql<boolean>`(exists (select from identity.passkey k where k.person_id = p.id)
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

/**
 * Keeps a person from being removed until the end of the transaction, so that what is written beside it finds it there.
 * @returns whether it is still there
 */
export const keepPerson = async (trx: Trx, id: string): Promise<boolean> =>
  (await trx
    .selectFrom('identity.person')
    .select('id')
    .where('id', '=', id)
    .forKeyShare()
    .executeTakeFirst()) !== undefined

/** @returns false when it is another one than that which was read */
export async function replacePassword(
  db: Db,
  { id, password_hash }: Pick<PersonRow, 'id' | 'password_hash'>,
  passwordHash: string,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('identity.person')
    .set({ password_hash: passwordHash })
    .where('id', '=', id)
    .where('password_hash', '=', password_hash)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

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

/** Sessions, memberships and API tokens of the person go with it. */
export const deletePerson = (db: Db, id: string) =>
  db.deleteFrom('identity.person').where('id', '=', id).execute()
