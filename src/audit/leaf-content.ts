import type { Kysely } from 'kysely'
import { entryRecord } from './chain.ts'
import type { ExchangeEvidence, Opened } from './evidence.ts'
import { readEvidence } from './read-evidence.ts'
import type { SubjectKeys } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'
import type { BundleLeaf, BundlePersonal, BundleRecord } from './verify.mjs'

/** What was hashed into a leaf, as a bundle carries it. */
export type LeafContent = Omit<BundleLeaf, 'path'>

export const recordOf = (text: string): BundleRecord => JSON.parse(text) as BundleRecord

export function personalOf(personal: Opened | 'erased' | undefined): {
  personal?: BundlePersonal
} {
  if (personal === undefined) return {}
  if (personal === 'erased') return { personal }
  return { personal: { salt: personal.salt, values: JSON.parse(personal.values) as unknown } }
}

/** An action: `undefined` when there is none, or it has gone by its age. */
export async function actionLeaf(
  db: Kysely<AuditTables>,
  eventId: string,
): Promise<LeafContent | undefined> {
  const entry = await db
    .selectFrom('audit.entry as e')
    .innerJoin('audit.leaf as l', (join) =>
      join.onRef('l.id', '=', 'e.event_id').on('l.kind', '=', 'action'),
    )
    .selectAll('e')
    .select('l.position')
    .where('e.event_id', '=', eventId)
    .executeTakeFirst()
  if (entry === undefined) return undefined
  return {
    ...{ position: entry.position, kind: 'action', id: eventId },
    record: entryRecord(entry) as unknown as BundleRecord,
    previousHash: entry.previous_hash.toString('hex'),
  }
}

/** What is a leaf of its own and no action. */
export async function singleLeaf(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  { kind, id }: { kind: string; id: string },
): Promise<LeafContent | undefined> {
  const found = await readEvidence(db, keys, kind, id)
  if (found === undefined) return undefined
  const { record, personal, leafPosition: position } = found
  return { ...{ position, kind, id }, record: recordOf(record), ...personalOf(personal) }
}

/** The leaf of the journal segment that an exchange is in, with the exchange. */
export function exchangeLeaf({
  record,
  personal,
  inner,
  segment,
}: ExchangeEvidence): LeafContent & { exchange: NonNullable<BundleLeaf['exchange']> } {
  return {
    ...{ position: segment.leafPosition, kind: 'exchanges', id: segment.leafId },
    record: recordOf(segment.record),
    exchange: {
      record: recordOf(record),
      ...personalOf(personal),
      position: inner.position,
      path: inner.path.map((hash) => hash.toString('base64')),
    },
  }
}
