import type { Kysely } from 'kysely'
import type { IdentityTables, PasskeyRow } from './tables.ts'

type Db = Kysely<IdentityTables>

/** @returns false when the passkey is registered already, by whomever */
export async function insertPasskey(db: Db, row: PasskeyRow): Promise<boolean> {
  const result = await db
    .insertInto('identity.passkey')
    .values(row)
    .onConflict((conflict) => conflict.constraint('passkey_credential').doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export const listPasskeys = (db: Db, personId: string): Promise<PasskeyRow[]> =>
  db
    .selectFrom('identity.passkey')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()

export const findPasskey = (db: Db, credentialId: string): Promise<PasskeyRow | undefined> =>
  db
    .selectFrom('identity.passkey')
    .selectAll()
    .where('credential_id', '=', credentialId)
    .executeTakeFirst()

/**
 * Notes a use. An authenticator that counts must count upwards: the same count twice means that there are two of it
 * (WebAuthn Level 3, section 6.1.1). One that does not count always says 0.
 * @returns false when the count did not grow; nothing is noted then
 */
export async function notePasskeyUse(
  db: Db,
  id: string,
  use: { counter: number; backedUp: boolean; now: Date },
): Promise<boolean> {
  const result = await db
    .updateTable('identity.passkey')
    .set({ counter: use.counter, backed_up: use.backedUp, last_used_at: use.now })
    .where('id', '=', id)
    .where((eb) => (use.counter === 0 ? eb('counter', '=', 0) : eb('counter', '<', use.counter)))
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export async function renamePasskey(
  db: Db,
  personId: string,
  id: string,
  name: string,
): Promise<PasskeyRow | undefined> {
  return await db
    .updateTable('identity.passkey')
    .set({ name })
    .where('person_id', '=', personId)
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst()
}

/** @returns whether the person had it */
export async function deletePasskey(db: Db, personId: string, id: string): Promise<boolean> {
  const result = await db
    .deleteFrom('identity.passkey')
    .where('person_id', '=', personId)
    .where('id', '=', id)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}
