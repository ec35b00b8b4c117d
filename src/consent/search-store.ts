import type { Kysely, Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { ConsentState } from './face.ts'
import type { ConsentCount } from './schema.ts'
import type { ConsentRow, ConsentTables } from './tables.ts'

type Db = Kysely<ConsentTables> | Transaction<ConsentTables>

export type ConsentFilter = {
  environment: Environment
  subject?: string | undefined
  partnerId?: string | undefined
  applicationId?: string | undefined
  purpose?: string | undefined
  state?: ConsentState | undefined
}

/** The latest change first. */
export async function searchConsents(
  db: Db,
  filter: ConsentFilter,
  page: { limit: number; offset: number },
): Promise<{ rows: ConsentRow[]; total: number }> {
  let matching = db.selectFrom('consent.consent').where('environment', '=', filter.environment)
  if (filter.subject !== undefined) matching = matching.where('subject', '=', filter.subject)
  if (filter.partnerId !== undefined) matching = matching.where('partner_id', '=', filter.partnerId)
  if (filter.applicationId !== undefined)
    matching = matching.where('application_id', '=', filter.applicationId)
  if (filter.purpose !== undefined) matching = matching.where('purpose', '=', filter.purpose)
  if (filter.state !== undefined) matching = matching.where('state', '=', filter.state)
  const [rows, { total }] = await Promise.all([
    matching
      .selectAll()
      .orderBy('changed_at', 'desc')
      .orderBy('id', 'desc')
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    matching.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total }
}

export async function findConsent(db: Db, id: string): Promise<ConsentRow | undefined> {
  return await db.selectFrom('consent.consent').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Subscribers, each once, by application, purpose and state. */
export async function countConsents(
  db: Db,
  of: { partnerId: string } | { applicationId: string },
): Promise<ConsentCount[]> {
  const rows = await db
    .selectFrom('consent.consent')
    .select((eb) => [
      'environment',
      'application_id',
      eb.fn.max('application_name').as('application_name'),
      'purpose',
      'state',
      eb.fn.count<number>('subject').distinct().as('count'),
    ])
    .where((eb) =>
      'partnerId' in of
        ? eb('partner_id', '=', of.partnerId)
        : eb('application_id', '=', of.applicationId),
    )
    .groupBy(['environment', 'application_id', 'purpose', 'state'])
    .orderBy('environment')
    .orderBy('application_id')
    .orderBy('purpose')
    .orderBy('state')
    .execute()
  return rows.map((row) => ({
    environment: row.environment,
    application: { id: row.application_id, name: row.application_name },
    purpose: row.purpose,
    state: row.state,
    count: row.count,
  }))
}
