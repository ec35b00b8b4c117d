import type { Platform } from '#platform/module'
import { chooseLocale } from './choose-locale.ts'
import { exportRecord } from './export-record.ts'
import type { ConsentRecord, ConsentState } from './face.ts'
import { fallbackLocale, type LanguageText } from './language-text.ts'
import { recordsOfSubject } from './store.ts'
import type { ConsentTables } from './tables.ts'
import { currentTexts } from './text-store.ts'
import { plainTerm } from './write-notice.ts'

/** One record, as its subscriber reads it. @public */
export type DescribedRecord = {
  record: ConsentRecord
  purpose: string
  scopes: readonly string[]
  history: readonly { at: Date; state: ConsentState }[]
}

/** What subscribers see of their own records. @public */
export interface OwnRecords {
  /** Purposes and scopes in the words of the notices, and what happened when. */
  describe(records: readonly ConsentRecord[], locale: string): Promise<DescribedRecord[]>
  /** A purpose as the notices call it. */
  purposeLabels(locale: string): Promise<(purpose: string) => string>
  /** With notices and history, by the fields of ISO/IEC TS 27560. */
  exportOf(records: readonly ConsentRecord[]): Promise<unknown>
}

/** @public */
export function createOwnRecords({
  database,
  config,
}: Pick<Platform, 'database' | 'config'>): OwnRecords {
  const db = database.as<ConsentTables>()
  const textIn = async (locale: string): Promise<LanguageText | undefined> => {
    const texts = await currentTexts(db)
    return texts.get(chooseLocale([locale], [...texts.keys()], fallbackLocale))
  }
  return {
    async describe(records, locale) {
      if (records.length === 0) return []
      const text = await textIn(locale)
      const changes = await db
        .selectFrom('consent.change')
        .select(['consent_id', 'at', 'to_state'])
        .where(
          'consent_id',
          'in',
          records.map(({ id }) => id),
        )
        .orderBy('position')
        .execute()
      return records.map((record) => ({
        record,
        purpose: labelOf(text, record.purpose),
        scopes: record.scopes.map((scope) => text?.scopes[scope] ?? scope),
        history: changes
          .filter(({ consent_id }) => consent_id === record.id)
          .map(({ at, to_state }) => ({ at, state: to_state })),
      }))
    },
    async purposeLabels(locale) {
      const text = await textIn(locale)
      return (purpose) => labelOf(text, purpose)
    },
    async exportOf(records) {
      const wanted = new Set(records.map(({ id }) => id))
      const [first] = records
      if (first === undefined) return { records: [] }
      const installation = {
        operatorName: config.operatorName,
        jurisdiction: config.consent.jurisdiction,
      }
      const rows = await recordsOfSubject(db, first.environment, first.subject)
      const own = rows.filter(({ id }) => wanted.has(id))
      return { records: await Promise.all(own.map((row) => exportRecord(db, installation, row))) }
    },
  }
}

const labelOf = (text: LanguageText | undefined, purpose: string): string =>
  text?.purposes[purpose]?.label ?? plainTerm(purpose)
