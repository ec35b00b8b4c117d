import type { Kysely, Transaction } from 'kysely'
import type { ConsentRecordExport } from './schema.ts'
import type { ChangeRow, ConsentRow, ConsentTables } from './tables.ts'
import { findNotice } from './text-store.ts'

type Db = Kysely<ConsentTables> | Transaction<ConsentTables>

/** What a record says of this installation. */
export type Installation = { operatorName: string; jurisdiction: string | undefined }

/** One consent with its notices and its history, by the fields of ISO/IEC TS 27560. Whom it is about is a pseudonym. */
export async function exportRecord(
  db: Db,
  installation: Installation,
  row: ConsentRow,
): Promise<ConsentRecordExport> {
  const changes = await db
    .selectFrom('consent.change')
    .selectAll()
    .where('consent_id', '=', row.id)
    .orderBy('position')
    .execute()
  const hashes = [...new Set(changes.flatMap(({ text_hash }) => text_hash ?? []))]
  const notices = await Promise.all(hashes.map((hash) => findNotice(db, hash)))
  const places = installation.jurisdiction === undefined ? [] : [installation.jurisdiction]
  return {
    schemaVersion: 'ISO/IEC TS 27560:2023',
    recordId: row.id,
    piiPrincipalId: row.subject,
    privacyNotices: notices.flatMap((notice) =>
      notice === undefined
        ? []
        : [{ hash: notice.hash, locale: notice.locale, content: notice.content }],
    ),
    piiControllers: [
      { name: installation.operatorName, role: 'discloses and keeps this record' },
      { id: row.partner_id, name: row.partner_name, role: 'receives and uses the data' },
    ],
    processing: {
      purposes: [
        {
          purpose: row.purpose,
          lawfulBasis: row.basis,
          piiInformation: row.scopes.map((category) => ({ category })),
          recipients: [{ id: row.application_id, name: row.application_name }],
          collectionMethod: 'from the mobile network, when the recipient asks',
          processingMethod: 'disclosed over an API to the recipient',
          storageLocations: places,
          jurisdictions: places,
          retentionPeriod:
            row.expires_at === null
              ? 'until it is withdrawn'
              : `until ${row.expires_at.toISOString()} or until it is withdrawn`,
        },
      ],
    },
    events: changes.map(presentChange),
    validity: {
      ...(row.granted_at === null ? {} : { from: row.granted_at.toISOString() }),
      ...untilOf(row),
    },
    environment: row.environment,
    state: row.state,
  }
}

function untilOf(row: ConsentRow): { until?: string } {
  const ended = row.state === 'WITHDRAWN' || row.state === 'EXPIRED'
  const until = ended ? row.changed_at : row.expires_at
  return until === null ? {} : { until: until.toISOString() }
}

type ExportedEvent = ConsentRecordExport['events'][number]

function presentChange(change: Omit<ChangeRow, 'position'>): ExportedEvent {
  const event: ExportedEvent = {
    eventTime: change.at.toISOString(),
    eventState: change.to_state,
    entity: change.by_kind,
    channel: change.channel,
  }
  if (change.from_state !== null) event.previousState = change.from_state
  if (change.by_id !== null) event.entityId = change.by_id
  if (change.method !== null) event.method = change.method
  if (change.reason !== null) event.reason = change.reason
  if (change.text_hash !== null) event.noticeHash = change.text_hash
  if (change.locale !== null) event.noticeLocale = change.locale
  return event
}
