import { type Kysely, sql } from 'kysely'
import { textLeafHash, treeRoot } from './merkle-tree.ts'
import { readContents } from './read-exchange.ts'
import type { AuditTables } from './tables.ts'
import { leafHash } from './verify.mjs'

type Range = { first: number; last: number }

/** Which leaves lost their contents by age, by kind, as the log itself tells. */
export type Removed = {
  has(kind: string, position: number): boolean
  leavesOf(kind: string): number
}

type RetentionRecord = { of: string; ranges: (Range & { leaves: number })[] }

export async function readRemoved(db: Kysely<AuditTables>): Promise<Removed> {
  const rows = await db
    .selectFrom('audit.evidence')
    .select('record')
    .where('kind', '=', 'retention')
    .execute()
  const ranges = new Map<string, Range[]>()
  const leaves = new Map<string, number>()
  for (const { record } of rows) {
    const told = JSON.parse(record) as RetentionRecord
    ranges.set(told.of, [...(ranges.get(told.of) ?? []), ...told.ranges])
    const gone = told.ranges.reduce((sum, range) => sum + range.leaves, 0)
    leaves.set(told.of, (leaves.get(told.of) ?? 0) + gone)
  }
  return {
    has: (kind, position) =>
      ranges.get(kind)?.some(({ first, last }) => first <= position && position <= last) === true,
    leavesOf: (kind) => leaves.get(kind) ?? 0,
  }
}

export type StoredLeaf = {
  position: number
  kind: string
  id: string
  hash: Buffer
  entry_hash: Buffer | null
  /** of evidence of one leaf */
  record: string | null
}

/** Compares one leaf with what it was made of. @returns what does not hold */
export async function faultOfLeaf(
  db: Kysely<AuditTables>,
  leaf: StoredLeaf,
  removed: Removed,
): Promise<string | undefined> {
  const { position, kind, id, hash } = leaf
  const missing = removed.has(kind, position)
    ? undefined
    : `the contents of leaf ${position} (${kind} ${id}) are missing, and nothing in the log says why`
  if (kind === 'action') {
    if (leaf.entry_hash === null) return missing
    return leaf.entry_hash.equals(hash)
      ? undefined
      : `leaf ${position} is not the hash of its entry`
  }
  if (kind === 'exchanges') return await faultOfSegment(db, leaf, missing)
  if (leaf.record === null) return missing
  return leafHash(leaf.record).equals(hash)
    ? undefined
    : `leaf ${position} is not the hash of its record (${kind} ${id})`
}

async function faultOfSegment(
  db: Kysely<AuditTables>,
  { position, id, hash }: StoredLeaf,
  missing: string | undefined,
): Promise<string | undefined> {
  const { rows } = await sql<{ record: string; records: number; contents: Buffer; places: number }>`
    select s.record, s.records, s.contents,
      (select count(*) from audit.exchange e where e.segment_id = s.id and e.day = s.day) as places
    from audit.segment s where s.leaf_id = ${id}`.execute(db)
  const [segment] = rows
  if (segment === undefined) return missing
  if (!leafHash(segment.record).equals(hash))
    return `leaf ${position} is not the hash of its record (exchanges ${id})`
  const told = JSON.parse(segment.record) as { records: number; root: string }
  const lines = await readContents(segment.contents).catch(() => [])
  if (
    lines.length !== told.records ||
    treeRoot(lines.map(textLeafHash)).toString('hex') !== told.root
  )
    return `the records of leaf ${position} (exchanges ${id}) are not those that were hashed`
  if (segment.places !== told.records)
    return `leaf ${position} (exchanges ${id}) has ${told.records} records, and ${segment.places} are found by their id`
  return undefined
}

type Counts = {
  exchanges: number
  evidence: number
  exchanges_told: number
  evidence_told: number
  lost: string | null
}

/** Whether each key that is gone was told of: nobody erased a subscriber in silence. @returns what does not hold */
export async function faultOfKeys(db: Kysely<AuditTables>): Promise<string | undefined> {
  const { rows } = await sql<Counts>`
    with told as (
      select kind, record::jsonb as record from audit.evidence where kind in ('erasure', 'retention')
    )
    select
      (select count(*) from audit.exchange where personal_id is null)
        + (select coalesce(sum((record->>'erased')::bigint), 0) from told where kind = 'retention' and record->>'of' = 'exchanges')
        as exchanges,
      (select count(*) from audit.evidence where sealed is not null and subject_id is null)
        + (select coalesce(sum((record->>'erased')::bigint), 0) from told where kind = 'retention' and record->>'of' <> 'exchanges')
        as evidence,
      (select coalesce(sum((record->>'exchanges')::bigint), 0) from told where kind = 'erasure') as exchanges_told,
      (select coalesce(sum((record->>'evidence')::bigint), 0) from told where kind = 'erasure') as evidence_told,
      coalesce(
        (select 'exchange ' || e.id from audit.exchange e
          where e.personal_id > 0 and not exists (select 1 from audit.personal p where p.id = e.personal_id) limit 1),
        (select e.kind || ' ' || e.id from audit.evidence e
          where e.subject_id is not null and not exists (select 1 from audit.subject s where s.id = e.subject_id) limit 1)
      ) as lost`.execute(db)
  const counts = rows[0]
  if (counts === undefined) return undefined
  if (counts.lost !== null)
    return `the key that opens what is personal in ${counts.lost} is missing, and nothing in the log says why`
  for (const what of ['exchanges', 'evidence'] as const) {
    const told = counts[`${what}_told`]
    if (Number(counts[what]) !== Number(told))
      return `${counts[what]} records (${what}) lost what was personal in them, and erasures tell of ${told}`
  }
  return undefined
}
