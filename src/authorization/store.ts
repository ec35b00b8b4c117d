import { type Kysely, sql, type Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { PublicJwk } from './signing-key.ts'
import type { AuthorizationTables, KeyState } from './tables.ts'

type Db = Kysely<AuthorizationTables> | Transaction<AuthorizationTables>

export type SigningKeyRecord = {
  kid: string
  state: KeyState
  publicJwk: PublicJwk
  sealedPrivateJwk: string | null
  currentAt: Date | null
}

/** The keys that verifiers must know, in a stable order. */
export async function listLiveKeys(db: Db, environment: Environment): Promise<SigningKeyRecord[]> {
  const rows = await db
    .selectFrom('authorization.signing_key')
    .select(['kid', 'state', 'public_jwk', 'sealed_private_jwk', 'current_at'])
    .where('environment', '=', environment)
    .where('state', '<>', 'retired')
    .orderBy('created_at')
    .orderBy('kid')
    .execute()
  return rows.map((row) => ({
    kid: row.kid,
    state: row.state,
    publicJwk: row.public_jwk as PublicJwk,
    sealedPrivateJwk: row.sealed_private_jwk,
    currentAt: row.current_at,
  }))
}

export async function insertKey(
  db: Db,
  key: {
    environment: Environment
    state: 'next' | 'current'
    publicJwk: PublicJwk
    sealedPrivateJwk: string
    at: Date
  },
): Promise<void> {
  await db
    .insertInto('authorization.signing_key')
    .values({
      kid: key.publicJwk.kid,
      environment: key.environment,
      state: key.state,
      public_jwk: JSON.stringify(key.publicJwk),
      sealed_private_jwk: key.sealedPrivateJwk,
      created_at: key.at,
      current_at: key.state === 'current' ? key.at : null,
      previous_at: null,
    })
    .execute()
}

/** The key that signs stops signing: its private half is forgotten in the same statement. */
export async function demoteCurrentKey(db: Db, environment: Environment, at: Date): Promise<void> {
  await db
    .updateTable('authorization.signing_key')
    .set({ state: 'previous', previous_at: at, sealed_private_jwk: null })
    .where('environment', '=', environment)
    .where('state', '=', 'current')
    .execute()
}

export async function promoteNextKey(
  db: Db,
  environment: Environment,
  at: Date,
): Promise<string | undefined> {
  const row = await db
    .updateTable('authorization.signing_key')
    .set({ state: 'current', current_at: at })
    .where('environment', '=', environment)
    .where('state', '=', 'next')
    .returning('kid')
    .executeTakeFirst()
  return row?.kid
}

/** @returns the kids of keys that stopped signing before `before` and are now gone from the JWKS */
export async function retireKeys(
  db: Db,
  environment: Environment,
  before: Date,
): Promise<string[]> {
  const rows = await db
    .updateTable('authorization.signing_key')
    .set({ state: 'retired' })
    .where('environment', '=', environment)
    .where('state', '=', 'previous')
    .where('previous_at', '<', before)
    .returning('kid')
    .execute()
  return rows.map((row) => row.kid)
}

/** @returns false when this assertion was used before, here or in any other process */
export async function useAssertion(
  db: Db,
  assertion: { environment: Environment; id: string; expiresAt: Date },
): Promise<boolean> {
  const result = await db
    .insertInto('authorization.used_assertion')
    .values({
      environment: assertion.environment,
      id: assertion.id,
      expires_at: assertion.expiresAt,
    })
    .onConflict((conflict) => conflict.columns(['environment', 'id']).doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Deletes at most `limit` rows, so that no statement holds many rows for long. */
export async function forgetExpiredAssertions(db: Db, now: Date, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from "authorization".used_assertion where ctid = any (array(
      select ctid from "authorization".used_assertion where expires_at < ${now} limit ${limit}))`.execute(
    db,
  )
  return Number(numAffectedRows ?? 0n)
}

/** Tells every server of these issuers, when the transaction commits, that the keys changed. */
export async function notifyKeysChanged(db: Db, environment: Environment): Promise<void> {
  await sql`select pg_notify(${keysChannel}, ${environment})`.execute(db)
}

export const keysChannel = 'wayleave_signing_key'
