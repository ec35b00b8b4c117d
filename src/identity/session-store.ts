import type { Kysely } from 'kysely'
import type { IdentityTables } from './tables.ts'

type Db = Kysely<IdentityTables>

const hour = 3_600_000
/** A session ends when it was not used for this long, and in any case at its absolute end. */
const sessionIdleMs = 12 * hour
export const sessionLifetimeMs = 7 * 24 * hour
/** How exact `last_used_at` is: a write on each request would cost more than it tells. */
const touchMs = 60_000

export async function insertSession(
  db: Db,
  session: { idHash: string; personId: string; now: Date },
): Promise<void> {
  await db
    .insertInto('identity.session')
    .values({
      id_hash: session.idHash,
      person_id: session.personId,
      created_at: session.now,
      last_used_at: session.now,
    })
    .execute()
}

/** @returns whose live session it is */
export async function touchSession(db: Db, idHash: string, now: Date): Promise<string | undefined> {
  const session = await db
    .selectFrom('identity.session')
    .selectAll()
    .where('id_hash', '=', idHash)
    .where('last_used_at', '>', before(now, sessionIdleMs))
    .where('created_at', '>', before(now, sessionLifetimeMs))
    .executeTakeFirst()
  if (session === undefined) return undefined
  if (session.last_used_at <= before(now, touchMs)) {
    await db
      .updateTable('identity.session')
      .set({ last_used_at: now })
      .where('id_hash', '=', idHash)
      .where('last_used_at', '<=', before(now, touchMs))
      .execute()
  }
  return session.person_id
}

export const deleteSession = (db: Db, idHash: string) =>
  db.deleteFrom('identity.session').where('id_hash', '=', idHash).execute()

export const deleteSessionsOf = (db: Db, personId: string) =>
  db.deleteFrom('identity.session').where('person_id', '=', personId).execute()

export const deleteEndedSessions = (db: Db, now: Date) =>
  db
    .deleteFrom('identity.session')
    .where((eb) =>
      eb.or([
        eb('last_used_at', '<=', before(now, sessionIdleMs)),
        eb('created_at', '<=', before(now, sessionLifetimeMs)),
      ]),
    )
    .execute()

const before = (now: Date, ms: number): Date => new Date(now.getTime() - ms)
