import type { Kysely } from 'kysely'
import { sealedEvidenceContext } from './append-evidence.ts'
import type { Opened, SingleEvidence } from './evidence.ts'
import type { SubjectKeys } from './subject-keys.ts'
import type { AuditTables, EvidenceRow, SubjectRow } from './tables.ts'

/** @returns undefined when there is none, or its contents have gone by their age */
export async function readEvidence(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  kind: string,
  id: string,
): Promise<SingleEvidence | undefined> {
  const row = await db
    .selectFrom('audit.evidence as e')
    .innerJoin('audit.leaf as l', (join) =>
      join.onRef('l.kind', '=', 'e.kind').onRef('l.id', '=', 'e.id'),
    )
    .leftJoin('audit.subject as s', 's.id', 'e.subject_id')
    .select(['e.kind', 'e.id', 'e.at', 'e.record', 'e.sealed', 'l.position'])
    .select(['s.environment', 's.pseudonym', 's.wrapped_key'])
    .where('e.kind', '=', kind)
    .where('e.id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return {
    ...{ kind, id, at: row.at, record: row.record, leafPosition: row.position },
    personal: openEvidence(keys, row),
  }
}

type SealedEvidence = Pick<EvidenceRow, 'kind' | 'id' | 'record' | 'sealed'> & {
  [K in 'environment' | 'pseudonym' | 'wrapped_key']: SubjectRow[K] | null
}

/** What is personal in a record of one leaf. @throws when it is not what was sealed or committed to */
export function openEvidence(
  keys: SubjectKeys,
  { kind, id, record, sealed, environment, pseudonym, wrapped_key: wrapped }: SealedEvidence,
): Opened | 'erased' | undefined {
  if (sealed === null) return undefined
  if (environment === null || pseudonym === null || wrapped === null) return 'erased'
  const { personal } = JSON.parse(record) as { personal?: string }
  const sealedValues = { text: sealed, context: sealedEvidenceContext(kind, id) }
  const open = keys.opener({ subject: { environment, pseudonym }, wrapped }, sealedValues)
  return open(`${kind}:${id}`, personal)
}
