import { type Kysely, sql, type Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { ConsentQuestion, ConsentRecord } from './face.ts'
import type { ConsentRow, ConsentTables } from './tables.ts'
import { living } from './transitions.ts'

type Db = Kysely<ConsentTables> | Transaction<ConsentTables>

/** Of one subscriber, application and purpose that touch any of the scopes, the latest change first. */
export async function recordsAbout(db: Db, about: ConsentQuestion): Promise<ConsentRow[]> {
  const rows = await db
    .selectFrom('consent.consent')
    .selectAll()
    .where('environment', '=', about.environment)
    .where('subject', '=', about.subject)
    .where('application_id', '=', about.applicationId)
    .where('purpose', '=', about.purpose)
    .orderBy('changed_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
  return rows.filter(({ scopes }) => scopes.some((scope) => about.scopes.includes(scope)))
}

export async function findLiving(
  db: Db,
  key: ConsentQuestion & { basis: ConsentRow['basis'] },
): Promise<ConsentRow | undefined> {
  return await db
    .selectFrom('consent.consent')
    .selectAll()
    .where('environment', '=', key.environment)
    .where('subject', '=', key.subject)
    .where('application_id', '=', key.applicationId)
    .where('purpose', '=', key.purpose)
    .where('basis', '=', key.basis)
    .where(sql<boolean>`scopes = ${[...key.scopes]}::text[]`)
    .where('state', 'in', [...living])
    .executeTakeFirst()
}

/** Kept from other changes until the transaction ends. */
export async function holdConsent(
  db: Db,
  environment: Environment,
  id: string,
): Promise<ConsentRow | undefined> {
  return await db
    .selectFrom('consent.consent')
    .selectAll()
    .where('environment', '=', environment)
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()
}

export async function recordsOfSubject(
  db: Db,
  environment: Environment,
  subject: string,
): Promise<ConsentRow[]> {
  return await db
    .selectFrom('consent.consent')
    .selectAll()
    .where('environment', '=', environment)
    .where('subject', '=', subject)
    .orderBy('changed_at', 'desc')
    .orderBy('id', 'desc')
    .execute()
}

const usedAgainAfterMs = 60_000

/**
 * The latest use counts, in whatever order they come; a use within a minute of the last one is not worth a row version.
 * @param uses by id, milliseconds since 1970
 */
export async function noteUses(
  db: Db,
  environment: Environment,
  uses: Readonly<Record<string, number>>,
): Promise<void> {
  // In one order, so that two writers who meet in the same rows do not wait for each other in turn.
  const ids = Object.keys(uses).toSorted()
  if (ids.length === 0) return
  await sql`
    with used as (
      select c.id, u.at from unnest(${ids}::text[], ${ids.map((id) => new Date(uses[id] ?? 0))}::timestamptz[]) u (id, at)
      join consent.consent c on c.id = u.id and c.environment = ${environment}
      where c.last_used_at is null or c.last_used_at < u.at - make_interval(secs => ${usedAgainAfterMs / 1_000})
      order by c.id for no key update of c)
    update consent.consent c set last_used_at = used.at from used where c.id = used.id`.execute(db)
}

export const toRecord = (row: ConsentRow): ConsentRecord => ({
  id: row.id,
  environment: row.environment,
  subject: row.subject,
  applicationId: row.application_id,
  applicationName: row.application_name,
  partnerId: row.partner_id,
  partnerName: row.partner_name,
  purpose: row.purpose,
  scopes: row.scopes,
  basis: row.basis,
  state: row.state,
  createdAt: row.created_at,
  changedAt: row.changed_at,
  grantedAt: row.granted_at ?? undefined,
  expiresAt: row.expires_at ?? undefined,
  lastUsedAt: row.last_used_at ?? undefined,
  textHash: row.text_hash ?? undefined,
  locale: row.locale ?? undefined,
})
