import type { NewEvidence } from './evidence.ts'
import type { EvidenceRow } from './tables.ts'

/** By what evidence of one leaf is found, and from when its period counts. It is hashed with the record. */
export type Filing = {
  about?: string | undefined
  /** whether nothing follows about it */
  final: boolean
  partnerId?: string | undefined
  applicationId?: string | undefined
  /** undefined where it is not known what it was */
  appendedAt?: string | undefined
}

export const filingOf = (
  { thing, partnerId, applicationId }: NewEvidence,
  appendedAt: Date,
): Filing => ({
  ...{ about: thing?.id, final: thing?.final ?? true, partnerId, applicationId },
  appendedAt: appendedAt.toISOString(),
})

/** A record as it was hashed, as far as it says how it is filed. */
type ToldRecord = {
  kind?: unknown
  id?: unknown
  at?: string
  filed?: Filing
  /** of consents that were written down before `filed` was */
  recordId?: string
  state?: string
  piiControllers?: { id?: string }[]
  processing?: { recipients?: { id?: string }[] }
}

type Filed = Pick<
  EvidenceRow,
  'kind' | 'id' | 'at' | 'appended_at' | 'about' | 'final' | 'partner_id' | 'application_id'
>

const ended = ['DENIED', 'WITHDRAWN', 'EXPIRED']

function filingIn(told: ToldRecord): Filing {
  if (told.filed !== undefined) return told.filed
  if (told.kind !== 'consent') return { final: true, appendedAt: told.at }
  return {
    about: told.recordId,
    final: told.recordId === undefined || ended.includes(told.state ?? ''),
    partnerId: told.piiControllers?.[0]?.id,
    applicationId: told.processing?.recipients?.[0]?.id,
  }
}

/** @returns what of the columns beside a record is not what was hashed */
export function faultOfFiling(record: string, row: Filed): string | undefined {
  const told = JSON.parse(record) as ToldRecord
  if (told.kind !== row.kind || told.id !== row.id || told.at !== row.at.toISOString())
    return 'is found by another id or time than its record has'
  const filing = filingIn(told)
  const compared = {
    about: row.about === (filing.about ?? null),
    final: row.final === filing.final,
    partner: row.partner_id === (filing.partnerId ?? null),
    application: row.application_id === (filing.applicationId ?? null),
    'time of appending':
      filing.appendedAt === undefined || row.appended_at.toISOString() === filing.appendedAt,
  }
  const other = Object.entries(compared).flatMap(([name, same]) => (same ? [] : [name]))
  return other.length === 0
    ? undefined
    : `is filed by something else than its record has: ${other.join(', ')}`
}
