import { sql, type Transaction } from 'kysely'
import type { ConsentDirectory, ConsentRecord } from '#consent'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { objectionIds } from './revoke-at-commit.ts'
import { putEntry } from './store.ts'
import type { SnapshotTables } from './tables.ts'

type Trx = Transaction<SnapshotTables>

/** Whom a change of consent is about. */
export type Consenter = { environment: Environment; subject: string; applicationId: string }

/**
 * Brings what one subscriber said to one application to where gateways find it: consents and refusals in a table that
 * they ask, objections, which few make, in the feed.
 */
export async function projectConsents(
  { clock }: Pick<Platform, 'clock'>,
  consents: Pick<ConsentDirectory, 'listOf'>,
  trx: Trx,
  consenter: Consenter,
): Promise<void> {
  const { environment, subject, applicationId } = consenter
  const records = (await consents.listOf(environment, subject)).filter(
    (record) => record.applicationId === applicationId,
  )
  await trx
    .deleteFrom('snapshot.consent')
    .where('environment', '=', environment)
    .where('subject', '=', subject)
    .where('application_id', '=', applicationId)
    .execute()
  const rows = latestAnswers(records).map((record) => ({
    environment,
    id: record.id,
    subject,
    application_id: applicationId,
    purpose: record.purpose,
    scopes: [...record.scopes],
    granted: record.state === 'GRANTED',
    expires_at: record.expiresAt ?? null,
  }))
  if (rows.length > 0) await trx.insertInto('snapshot.consent').values(rows).execute()
  await projectObjections(trx, consenter, records, clock.now())
}

/** Of the same purpose and scopes the newest yes or no. */
function latestAnswers(records: readonly ConsentRecord[]): ConsentRecord[] {
  const latest = new Map<string, ConsentRecord>()
  for (const record of records) {
    if (record.basis !== 'consent') continue
    if (record.state !== 'GRANTED' && record.state !== 'DENIED' && record.state !== 'WITHDRAWN')
      continue
    const key = [record.purpose, ...record.scopes.toSorted()].join(' ')
    const other = latest.get(key)
    if (other === undefined || other.changedAt < record.changedAt) latest.set(key, record)
  }
  return [...latest.values()]
}

/** An objection stands until it is lifted, so its entry has no end. `*` is for tokens that name no purpose. */
async function projectObjections(
  trx: Trx,
  { environment, subject, applicationId }: Consenter,
  records: readonly ConsentRecord[],
  now: Date,
): Promise<void> {
  const prefix = `obj:${subject}:${applicationId}:`
  const purposes = records.filter(({ state }) => state === 'OBJECTED').map((one) => one.purpose)
  const wanted = new Set(objectionIds(subject, applicationId, purposes))
  const { rows } = await sql<{ id: string }>`
    select id from snapshot.entry
    where environment = ${environment} and kind = 'revocation' and body is not null
      and starts_with(id, ${prefix})`.execute(trx)
  for (const { id } of rows)
    if (!wanted.has(id)) await putEntry(trx, environment, 'revocation', id, undefined, now)
  for (const id of wanted)
    await putEntry(trx, environment, 'revocation', id, { kind: 'revocation', id }, now)
}
