import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { type Kysely, sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { ExchangeEvidence, Opened } from './evidence.ts'
import { idStart } from './exchange-log.ts'
import { textLeafHash, treePath } from './merkle-tree.ts'
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

type Found = {
  position: number
  leaf_id: string
  record: string
  contents: Buffer
  leaf_position: number
  sealed: string | null
  digest: string | null
  environment: Environment
  pseudonym: string
  wrapped_key: string
}

/**
 * What is kept of one exchange, with its place in the log.
 * @returns undefined when it is not known: it was about nobody, was not counted yet, or its contents have gone by their age
 */
export async function readExchange(
  db: Kysely<AuditTables>,
  keys: SubjectKeys,
  id: string,
): Promise<ExchangeEvidence | undefined> {
  const { rows } = await sql<Found>`
    with found as (
      select s.leaf_id, s.record, s.contents, array_position(s.ids, ${id}) as place, s.personal_ids
      from audit.segment s where s.id_starts @> array[${idStart(id)}] and ${id} = any(s.ids)
    )
    select f.place - 1 as position, f.leaf_id, f.record, f.contents, l.position as leaf_position,
      p.sealed, p.digest, u.environment, u.pseudonym, u.wrapped_key
    from found f
    join audit.leaf l on l.kind = 'exchanges' and l.id = f.leaf_id
    left join audit.personal p on p.id = f.personal_ids[f.place]
    left join audit.subject u on u.id = p.subject_id
    order by l.position limit 1`.execute(db)
  const [found] = rows
  if (found === undefined) return undefined
  const lines = await readContents(found.contents)
  const record = lines[found.position]
  if (record === undefined) throw new Error(`segment ${found.leaf_id} has no record of ${id}`)
  return {
    record,
    personal: openPersonal(keys, id, record, found),
    inner: {
      position: found.position,
      size: lines.length,
      path: treePath(lines.map(textLeafHash), found.position),
    },
    segment: {
      record: found.record,
      leafId: found.leaf_id,
      leafPosition: found.leaf_position,
    },
  }
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
