import { type Kysely, sql } from 'kysely'
import type { Environment } from '#platform/config'
import { reasonOf } from './checkpoints.ts'
import { faultOfFiling } from './filing.ts'
import { openEvidence } from './read-evidence.ts'
import type { SubjectKeys } from './subject-keys.ts'
import type { AuditTables, EvidenceRow, LeafRow } from './tables.ts'
import { leafHash } from './verify.mjs'
import { faultOfSegment, type StoredSegment } from './verify-segments.ts'

type Range = { first: number; last: number }

/** Which leaves lost their contents by age, by kind, as the log itself tells. */
export type Removed = {
  has(kind: string, position: number): boolean
  leavesOf(kind: string): number
}

type RetentionRecord = { of: string; ranges: (Range & { leaves: number })[] }

/** One that was changed excuses nothing, and is found by its hash. */
function readRetention(record: string): RetentionRecord | undefined {
  try {
    return JSON.parse(record) as RetentionRecord
  } catch {
    return undefined
  }
}

export async function readRemoved(db: Kysely<AuditTables>): Promise<Removed> {
  const rows = await db
    .selectFrom('audit.evidence')
    .select('record')
    .where('kind', '=', 'retention')
    .execute()
  const ranges = new Map<string, Range[]>()
  const leaves = new Map<string, number>()
  for (const { record } of rows) {
    const told = readRetention(record)
    if (told === undefined) continue
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

type OrNull<T> = { [K in keyof T]: T[K] | null }

/** A leaf with what it was made of: of evidence of one leaf also by what it is found, and what opens what is personal. */
export type StoredLeaf = LeafRow & { entry_hash: Buffer | null } & OrNull<
    Pick<EvidenceRow, 'record' | 'at' | 'appended_at' | 'about' | 'final' | 'sealed'>
  > &
  OrNull<Pick<EvidenceRow, 'partner_id' | 'application_id'>> & {
    environment: Environment | null
    pseudonym: string | null
    wrapped_key: string | null
  }

/** Compares one leaf with what it was made of. @returns what does not hold */
export function faultOfLeaf(
  keys: SubjectKeys,
  leaf: StoredLeaf,
  segment: StoredSegment | undefined,
  removed: Removed,
): string | undefined {
  const { position, kind, id, hash, record } = leaf
  const missing = removed.has(kind, position)
    ? undefined
    : `the contents of leaf ${position} (${kind} ${id}) are missing, and nothing in the log says why`
  if (kind === 'action') {
    if (leaf.entry_hash === null) return missing
    return leaf.entry_hash.equals(hash)
      ? undefined
      : `leaf ${position} is not the hash of its entry`
  }
  if (kind === 'exchanges') {
    if (segment === undefined) return missing
    return faultOfSegment(keys, leaf, segment) ?? faultOfName(leaf, segment.record)
  }
  if (record === null) return missing
  if (!leafHash(record).equals(hash))
    return `leaf ${position} is not the hash of its record (${kind} ${id})`
  return faultOfEvidence(keys, { ...leaf, record })
}

/** The name of a segment is found by its record, and the record by its name. */
function faultOfName({ position, id }: LeafRow, record: string): string | undefined {
  const told = JSON.parse(record) as Readonly<Record<string, unknown>>
  const name = `${told.environment}/${told.gateway}/${told.boot}/${told.sequence}`
  return name === id
    ? undefined
    : `leaf ${position} (exchanges ${id}) is found by another name than its record has`
}

/** What stands beside a record that was hashed: by what it is found, and what is personal. */
function faultOfEvidence(
  keys: SubjectKeys,
  leaf: StoredLeaf & { record: string },
): string | undefined {
  const { position, kind, id, record, at, appended_at, sealed } = leaf
  const what = `leaf ${position} (${kind} ${id})`
  if (at === null || appended_at === null) return `${what} has no time`
  const filed = faultOfFiling(record, { ...leaf, at, appended_at, final: leaf.final === true })
  if (filed !== undefined) return `${what} ${filed}`
  const told = JSON.parse(record) as { personal?: unknown }
  const open = sealed === null && leaf.environment !== null
  if ((told.personal === undefined) !== (sealed === null) || open)
    return `what is personal in ${what} is not there as its record says`
  try {
    // One whose key is gone does not fail: those are counted.
    openEvidence(keys, leaf)
    return undefined
  } catch (error) {
    return `what is personal in ${what} cannot be opened: ${reasonOf(error)}`
  }
}

/** Kind and id of a leaf whose contents went stand in the record that tells of it. @returns what does not hold */
export async function faultOfNames(db: Kysely<AuditTables>): Promise<string | undefined> {
  const { rows } = await sql<{ id: string }>`
    select v.id from audit.evidence v cross join lateral (
      select encode(sha256(convert_to(
        coalesce(string_agg(l.position || ' ' || l.id || E'\\n', '' order by l.position), ''), 'UTF8')), 'hex') as names
      from jsonb_to_recordset(v.record::jsonb -> 'ranges') as range (first bigint, last bigint)
      join audit.leaf l on l.kind = v.record::jsonb ->> 'of' and l.position between range.first and range.last
    ) as found
    where v.kind = 'retention' and v.record::jsonb ->> 'names' <> found.names limit 1`.execute(db)
  const [wrong] = rows
  return wrong && `leaves whose contents went have other names than the retention ${wrong.id} tells`
}

/** Contents that no leaf has: a removal that somebody made up would excuse what is missing. */
export async function faultOfStrays(db: Kysely<AuditTables>): Promise<string | undefined> {
  const { rows } = await sql<{ stray: string | null }>`
    select coalesce(
      (select v.kind || ' ' || v.id from audit.evidence v where not exists (
        select from audit.leaf l
        where l.kind = v.kind and l.id = v.id) limit 1),
      (select 'exchanges ' || s.leaf_id from audit.segment s where not exists (
        select from audit.leaf l where l.kind = 'exchanges' and l.id = s.leaf_id) limit 1),
      -- One of two has none.
      (select 'exchanges ' || leaf_id from audit.segment group by leaf_id having count(*) > 1 limit 1)
    ) as stray`.execute(db)
  const { stray = null } = rows[0] ?? {}
  return stray === null ? undefined : `${stray} was put there, and no leaf of the log has it`
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
      (select coalesce(sum(cardinality(array_positions(personal_ids, null))), 0) from audit.segment)
        + (select coalesce(sum((record->>'erased')::bigint), 0) from told where kind = 'retention' and record->>'of' = 'exchanges')
        as exchanges,
      (select count(*) from audit.evidence where sealed is not null and subject_id is null)
        + (select coalesce(sum((record->>'erased')::bigint), 0) from told where kind = 'retention' and record->>'of' <> 'exchanges')
        as evidence,
      (select coalesce(sum((record->>'exchanges')::bigint), 0) from told where kind = 'erasure') as exchanges_told,
      (select coalesce(sum((record->>'evidence')::bigint), 0) from told where kind = 'erasure') as evidence_told,
      coalesce(
        (select 'exchange ' || e.id from audit.segment s
          cross join lateral unnest(s.ids, s.personal_ids) as e (id, personal_id)
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
