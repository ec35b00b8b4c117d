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

export async function noteUse(
  db: Db,
  environment: Environment,
  ids: readonly string[],
  at: Date,
): Promise<void> {
  if (ids.length === 0) return
  await db
    .updateTable('consent.consent')
    .set({ last_used_at: at })
    .where('environment', '=', environment)
    .where('id', 'in', [...ids])
    .where((eb) =>
      eb.or([
        eb('last_used_at', 'is', null),
        eb('last_used_at', '<', new Date(at.getTime() - usedAgainAfterMs)),
      ]),
    )
    .execute()
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
