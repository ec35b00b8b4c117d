import { type Kysely, sql, type Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { AuthorizationTables } from './tables.ts'

type Db = Kysely<AuthorizationTables> | Transaction<AuthorizationTables>

/** Which artifact: `id` is the keyed hash of what its holder has. */
export type ArtifactKey = { environment: Environment; model: string; id: string }

export type ArtifactRow = ArtifactKey & {
  grantId: string | null
  payload: string
  expiresAt: Date
  consumedAt: Date | null
}

/** @returns true for the one call that put it there */
export async function addArtifact(
  db: Db,
  row: ArtifactKey & { payload: string; at: Date; expiresAt: Date },
): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('authorization.artifact')
    .values({
      environment: row.environment,
      model: row.model,
      id: row.id,
      grant_id: null,
      payload: row.payload,
      created_at: row.at,
      expires_at: row.expiresAt,
      consumed_at: null,
    })
    .onConflict((conflict) => conflict.columns(['environment', 'model', 'id']).doNothing())
    .executeTakeFirst()
  return (numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** What was consumed stays so, whatever is saved later. */
export async function putArtifact(
  db: Db,
  row: Omit<ArtifactRow, 'consumedAt'> & { at: Date },
): Promise<void> {
  await db
    .insertInto('authorization.artifact')
    .values({
      environment: row.environment,
      model: row.model,
      id: row.id,
      grant_id: row.grantId,
      payload: row.payload,
      created_at: row.at,
      expires_at: row.expiresAt,
      consumed_at: null,
    })
    .onConflict((conflict) =>
      conflict.columns(['environment', 'model', 'id']).doUpdateSet((set) => ({
        grant_id: set.ref('excluded.grant_id'),
        payload: set.ref('excluded.payload'),
        expires_at: set.ref('excluded.expires_at'),
      })),
    )
    .execute()
}

export async function findArtifact(
  db: Db,
  key: ArtifactKey,
  now: Date,
): Promise<ArtifactRow | undefined> {
  const row = await db
    .selectFrom('authorization.artifact')
    .selectAll()
    .where('environment', '=', key.environment)
    .where('model', '=', key.model)
    .where('id', '=', key.id)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  if (row === undefined) return undefined
  const { payload, grant_id: grantId, expires_at: expiresAt, consumed_at: consumedAt } = row
  return { ...key, payload, grantId, expiresAt, consumedAt }
}

/** @returns true for one of any number of simultaneous uses, over all processes; false for every other */
export async function consumeArtifact(db: Db, key: ArtifactKey, now: Date): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('authorization.artifact')
    .set({ consumed_at: now })
    .where('environment', '=', key.environment)
    .where('model', '=', key.model)
    .where('id', '=', key.id)
    .where('consumed_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return numUpdatedRows > 0n
}

/** @returns true for the one call that took it away */
export async function deleteArtifact(db: Db, key: ArtifactKey): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('authorization.artifact')
    .where('environment', '=', key.environment)
    .where('model', '=', key.model)
    .where('id', '=', key.id)
    .executeTakeFirst()
  return numDeletedRows > 0n
}

/**
 * Takes away a grant and everything that was made of it.
 * @returns whether the grant itself was there: true for one of any number of simultaneous calls
 */
export async function deleteGrant(
  db: Db,
  environment: Environment,
  grantId: string,
): Promise<boolean> {
  // The grant first, so that simultaneous calls wait for each other there and not in a circle.
  const grant = await db
    .deleteFrom('authorization.artifact')
    .where('environment', '=', environment)
    .where('grant_id', '=', grantId)
    .where('model', '=', 'Grant')
    .executeTakeFirst()
  await sql`
    delete from "authorization".artifact where ctid = any (array(
      select ctid from "authorization".artifact
      where environment = ${environment} and grant_id = ${grantId}
      order by model, id for update))`.execute(db)
  return grant.numDeletedRows > 0n
}

/** Deletes at most `limit` rows, so that no statement holds many rows for long. */
export async function forgetExpiredArtifacts(db: Db, now: Date, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from "authorization".artifact where ctid = any (array(
      select ctid from "authorization".artifact where expires_at < ${now}
      limit ${limit} for update skip locked))`.execute(db)
  return Number(numAffectedRows ?? 0n)
}
