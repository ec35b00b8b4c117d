import type { Kysely, Transaction } from 'kysely'
import type { IdentityTables, SessionRow } from './tables.ts'

type Db = Kysely<IdentityTables>

const hour = 3_600_000
/** A session ends when it was not used for this long, and in any case at its absolute end. */
const sessionIdleMs = 12 * hour
export const sessionLifetimeMs = 7 * 24 * hour
/** How exact `last_used_at` is: a write on each request would cost more than it tells. */
const touchMs = 60_000
/** For so long the id before a change still finds its session: other requests of the page are under way with it. */
const rotationGraceMs = 30_000

export async function insertSession(
  db: Db,
  session: Omit<SessionRow, 'previous_hash' | 'rotated_at'>,
) {
  await db
    .insertInto('identity.session')
    .values({ ...session, previous_hash: null, rotated_at: null })
    .execute()
}

/** A live session as one request sees it. */
export type CurrentSession = {
  id: string
  personId: string
  methods: readonly string[]
  /** whose identity provider it came from */
  providerOwner: string | undefined
  signOutUrl: string | undefined
  /** when the person last proved that it is there; never by an id that was changed meanwhile */
  verifiedAt: Date | undefined
}

const byHash = (db: Db, idHash: string, now: Date) =>
  db
    .selectFrom('identity.session')
    .selectAll()
    .where((eb) =>
      eb.or([
        eb('id_hash', '=', idHash),
        eb.and([
          eb('previous_hash', '=', idHash),
          eb('rotated_at', '>', before(now, rotationGraceMs)),
        ]),
      ]),
    )

const isLive =
  (now: Date) =>
  (row: SessionRow | undefined): row is SessionRow =>
    row !== undefined &&
    row.last_used_at > before(now, sessionIdleMs) &&
    row.created_at > before(now, sessionLifetimeMs) &&
    (row.ends_at === null || row.ends_at > now)

/** @returns the live session that this is the id of */
export async function touchSession(
  db: Db,
  idHash: string,
  now: Date,
): Promise<CurrentSession | undefined> {
  const session = await byHash(db, idHash, now).executeTakeFirst()
  if (!isLive(now)(session)) return undefined
  if (session.last_used_at <= before(now, touchMs)) {
    await db
      .updateTable('identity.session')
      .set({ last_used_at: now })
      .where('id', '=', session.id)
      .where('last_used_at', '<=', before(now, touchMs))
      .execute()
  }
  return {
    id: session.id,
    personId: session.person_id,
    methods: session.methods,
    providerOwner: session.provider_owner ?? undefined,
    signOutUrl: session.sign_out_url ?? undefined,
    verifiedAt: session.id_hash === idHash ? (session.verified_at ?? undefined) : undefined,
  }
}

/**
 * Gives a session another id, and with `verifiedAt` a fresh proof. Of two changes at once the second finds an id that
 * is not the newest any more, and changes nothing.
 * @returns whether the id was changed
 */
export async function rotateSession(
  db: Db,
  change: { idHash: string; newHash: string; verifiedAt?: Date; now: Date },
): Promise<boolean> {
  const { idHash, newHash, verifiedAt, now } = change
  const result = await db
    .updateTable('identity.session')
    .set({
      id_hash: newHash,
      previous_hash: idHash,
      rotated_at: now,
      ...(verifiedAt !== undefined && { verified_at: verifiedAt }),
    })
    .where('id_hash', '=', idHash)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** What was proved before counts no longer: the way to prove it, or what it gives, has changed. */
export const staleSessionsOf = (db: Db, personId: string) =>
  db
    .updateTable('identity.session')
    .set({ verified_at: null })
    .where('person_id', '=', personId)
    .execute()

/** Live sessions of a person, the one used last first. */
export async function listSessions(db: Db, personId: string, now: Date): Promise<SessionRow[]> {
  const rows = await db
    .selectFrom('identity.session')
    .selectAll()
    .where('person_id', '=', personId)
    .orderBy('last_used_at', 'desc')
    .orderBy('id')
    .execute()
  return rows.filter(isLive(now))
}

export const deleteSession = (db: Db, idHash: string) =>
  db
    .deleteFrom('identity.session')
    .where((eb) => eb.or([eb('id_hash', '=', idHash), eb('previous_hash', '=', idHash)]))
    .execute()

export const hasSession = async (db: Db, personId: string, id: string): Promise<boolean> =>
  (await db
    .selectFrom('identity.session')
    .select('id')
    .where('person_id', '=', personId)
    .where('id', '=', id)
    .executeTakeFirst()) !== undefined

/** @returns whether the person had such a session */
export async function deleteSessionById(
  db: Transaction<IdentityTables>,
  personId: string,
  id: string,
): Promise<boolean> {
  const result = await db
    .deleteFrom('identity.session')
    .where('person_id', '=', personId)
    .where('id', '=', id)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** @returns how many ended */
export async function deleteOtherSessions(
  db: Transaction<IdentityTables>,
  personId: string,
  keptId: string,
): Promise<number> {
  const result = await db
    .deleteFrom('identity.session')
    .where('person_id', '=', personId)
    .where('id', '!=', keptId)
    .executeTakeFirst()
  return Number(result.numDeletedRows)
}

export const deleteSessionsOf = (db: Db, personId: string) =>
  db.deleteFrom('identity.session').where('person_id', '=', personId).execute()

export const deleteEndedSessions = (db: Db, now: Date) =>
  db
    .deleteFrom('identity.session')
    .where((eb) =>
      eb.or([
        eb('last_used_at', '<=', before(now, sessionIdleMs)),
        eb('created_at', '<=', before(now, sessionLifetimeMs)),
        eb('ends_at', '<=', now),
      ]),
    )
    .execute()

const before = (now: Date, ms: number): Date => new Date(now.getTime() - ms)
