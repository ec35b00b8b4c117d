import type { Platform } from '#platform/module'
import { exportRecord } from './export-record.ts'
import type { ConsentRecordExport } from './schema.ts'
import type { ConsentTables } from './tables.ts'

/** Consents by their ids, with notices and history, by the fields of ISO/IEC TS 27560; those that are gone are left out. @public */
export async function consentRecords(
  { database, config }: Pick<Platform, 'database' | 'config'>,
  ids: readonly string[],
): Promise<ConsentRecordExport[]> {
  if (ids.length === 0) return []
  const db = database.as<ConsentTables>()
  const rows = await db.selectFrom('consent.consent').selectAll().where('id', 'in', ids).execute()
  const installation = {
    operatorName: config.operatorName,
    jurisdiction: config.consent.jurisdiction,
  }
  return await Promise.all(rows.map((row) => exportRecord(db, installation, row)))
}
