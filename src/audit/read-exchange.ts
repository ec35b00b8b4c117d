import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { type Kysely, sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { ExchangeEvidence, Opened } from './evidence.ts'
import { idStart } from './exchange-log.ts'
import { textLeafHash, treeLevels, treePath } from './merkle-tree.ts'
import { RecentMap } from './recent-map.ts'
import { type SubjectKeys, sealedContext } from './subject-keys.ts'
import type { AuditTables } from './tables.ts'

const decompress = promisify(zstdDecompress)
/** A segment is at most 64 MiB. */
const contentsLimit = { maxOutputLength: 128 * 1_048_576 }

/** The records of a segment, in their order. */
export async function readContents(contents: Buffer): Promise<string[]> {
  const text = await decompress(contents, contentsLimit)
  return text.toString('utf8').trimEnd().split('\n')
}

type OpenedSegment = { lines: readonly string[]; levels: readonly (readonly string[])[] }

/** Segments that were opened a moment ago: calls that are asked for by their time stand in the same few. */
export type OpenedSegments = RecentMap<string, OpenedSegment>

/** One for each gateway that calls at the same time, and at most twice as many: some megabytes each. */
export const openedSegments = (): OpenedSegments => new RecentMap(8)

type Found = {
  position: number
  day: string
  segment_id: number
  leaf_id: string
  record: string
  leaf_position: number
  sealed: string | null
  digest: string | null
  environment: Environment
  pseudonym: string
  wrapped_key: string
}

/**
 * What is kept of one exchange, with its place in the log.
 * @param opened of whoever asks for many
 * @returns undefined when it is not known: it was about nobody, was not counted yet, or its contents have gone by their age
 */
export async function readExchange(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  id: string,
  opened: OpenedSegments = openedSegments(),
): Promise<ExchangeEvidence | undefined> {
  const { rows } = await sql<Found>`
    with found as (
      select s.day, s.id, s.leaf_id, s.record, array_position(s.ids, ${id}) as place, s.personal_ids
      from audit.segment s where s.id_starts @> array[${idStart(id)}] and ${id} = any(s.ids)
    )
    select f.place - 1 as position, f.day::text as day, f.id as segment_id, f.leaf_id, f.record, l.position as leaf_position,
      p.sealed, p.digest, u.environment, u.pseudonym, u.wrapped_key
    from found f
    join audit.leaf l on l.kind = 'exchanges' and l.id = f.leaf_id
    left join audit.personal p on p.id = f.personal_ids[f.place]
    left join audit.subject u on u.id = p.subject_id
    order by l.position limit 1`.execute(db)
  const [found] = rows
  if (found === undefined) return undefined
  const segment = await openSegment(db, found, opened)
  // Gone by its age since it was found.
  if (segment === undefined) return undefined
  const { lines, levels } = segment
  const record = lines[found.position]
  if (record === undefined) throw new Error(`segment ${found.leaf_id} has no record of ${id}`)
  return {
    record,
    personal: openPersonal(keys, id, record, found),
    inner: {
      position: found.position,
      size: lines.length,
      path: treePath(levels, found.position),
    },
    segment: {
      record: found.record,
      leafId: found.leaf_id,
      leafPosition: found.leaf_position,
    },
  }
}

async function openSegment(
  db: Kysely<AuditTables>,
  { leaf_id: leafId, day, segment_id: id }: Found,
  opened: OpenedSegments,
): Promise<OpenedSegment | undefined> {
  const known = opened.get(leafId)
  if (known !== undefined) return known
  const { rows } = await sql<{ contents: Buffer }>`
    select contents from audit.segment where day = ${day}::date and id = ${id}`.execute(db)
  const [row] = rows
  if (row === undefined) return undefined
  const lines = await readContents(row.contents)
  const segment = { lines, levels: treeLevels(lines.map(textLeafHash)) }
  opened.set(leafId, segment)
  return segment
}

function openPersonal(
  keys: SubjectKeys,
  id: string,
  record: string,
  { sealed, digest, wrapped_key: wrapped, environment, pseudonym }: Found,
): Opened | 'erased' | undefined {
  const told = JSON.parse(record) as { id: string; personal?: string }
  if (told.id !== id) throw new Error(`what is kept as ${id} is the record of ${told.id}`)
  const { personal } = told
  if (personal === undefined) return undefined
  if (sealed === null || digest === null) return 'erased'
  const sealedValues = { text: sealed, context: sealedContext(digest) }
  const open = keys.opener({ subject: { environment, pseudonym }, wrapped }, sealedValues)
  return open(`exchange:${id}`, personal)
}
