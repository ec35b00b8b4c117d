import { type Kysely, sql } from 'kysely'
import { arrayLiteral } from '#platform/array-literal'
import { reasonOf } from './checkpoints.ts'
import { idStart } from './exchange-log.ts'
import { textLeafHash, treeRoot } from './merkle-tree.ts'
import { readContents } from './read-exchange.ts'
import { type Opener, type SubjectKeys, sealedContext } from './subject-keys.ts'
import type {
  AuditTables,
  LeafRow,
  PartyRow,
  PersonalRow,
  SegmentRow,
  SubjectRow,
} from './tables.ts'
import { leafHash } from './verify.mjs'

/** A segment as it is kept, with where its calls are found. */
export type StoredSegment = Segment & { places: readonly Place[] }

type Row = Pick<
  SegmentRow,
  | 'id'
  | 'day'
  | 'leaf_id'
  | 'record'
  | 'records'
  | 'contents'
  | 'id_starts'
  | 'parties'
  | 'from_at'
  | 'to_at'
>
type Segment = Row & { lines: readonly string[] }

type OrNull<T> = { [K in keyof T]: T[K] | null }

/** A call with by what it is found, and what opens what is personal in it. */
type Place = { segment_id: number; position: number; personal_id: number | null } & OrNull<{
  id: string
  at: number
  party_id: number
}> &
  OrNull<Omit<PartyRow, 'id'>> &
  OrNull<Pick<PersonalRow, 'sealed' | 'digest'>> &
  OrNull<Pick<SubjectRow, 'pseudonym' | 'wrapped_key'>> & {
    subject_environment: SubjectRow['environment'] | null
  }

/** So many calls are held at a time, about: a query looks into each day that is kept, so few queries are made for small segments. */
const callsAtOnce = 25_000
const mostAtOnce = 200

/** The segments of these leaves, which are asked for in their order; a few at a time are in memory. */
export function readSegments(db: Kysely<AuditTables>, leaves: readonly LeafRow[]) {
  const ids = leaves.filter(({ kind }) => kind === 'exchanges').map(({ id }) => id)
  let read = new Map<string, StoredSegment>()
  let next = 0
  let atOnce = 5
  return {
    async of(leafId: string): Promise<StoredSegment | undefined> {
      if (ids.indexOf(leafId) >= next) {
        // Let go before more is read.
        read = new Map()
        read = await readSome(db, ids.slice(next, next + atOnce))
        next += atOnce
        const calls = read.values().reduce((sum, { lines }) => sum + lines.length, 0)
        const average = Math.max(1, calls / Math.max(1, read.size))
        atOnce = Math.min(Math.max(1, Math.floor(callsAtOnce / average)), mostAtOnce)
      }
      return read.get(leafId)
    },
  }
}

async function readSome(
  db: Kysely<AuditTables>,
  ids: readonly string[],
): Promise<Map<string, StoredSegment>> {
  const { rows } = await sql<Row>`
    select id, day::text as day, leaf_id, record, records, contents, id_starts, parties, from_at, to_at from audit.segment
    where leaf_id = any(${arrayLiteral(ids)}::text[])`.execute(db)
  const segments = await Promise.all(
    rows.map(async (row) => ({ ...row, lines: await readContents(row.contents).catch(() => []) })),
  )
  const places = Map.groupBy(await readPlaces(db, ids), (place) => place.segment_id)
  return new Map(segments.map((one) => [one.leaf_id, { ...one, places: places.get(one.id) ?? [] }]))
}

async function readPlaces(db: Kysely<AuditTables>, ids: readonly string[]): Promise<Place[]> {
  const { rows } = await sql<Place>`
    select s.id as segment_id, c.place - 1 as position, c.id, c.at, c.party_id, c.personal_id,
      y.environment, y.partner_id, y.application_id, y.api_id, y.basis, y.purpose,
      p.sealed, p.digest, u.environment as subject_environment, u.pseudonym, u.wrapped_key
    from audit.segment s
    cross join lateral unnest(s.ids, s.ats, s.party_ids, s.personal_ids)
      with ordinality as c (id, at, party_id, personal_id, place)
    left join audit.party y on y.id = c.party_id
    left join audit.personal p on p.id = c.personal_id
    left join audit.subject u on u.id = p.subject_id
    where s.leaf_id = any(${arrayLiteral(ids)}::text[])`.execute(db)
  return rows
}

/** @returns what of a segment does not hold */
export function faultOfSegment(
  keys: SubjectKeys,
  { position, id, hash }: LeafRow,
  segment: StoredSegment,
): string | undefined {
  const { record, lines, places } = segment
  if (!leafHash(record).equals(hash))
    return `leaf ${position} is not the hash of its record (exchanges ${id})`
  const told = JSON.parse(record) as { records: number; root: string; day?: string }
  if (
    lines.length !== told.records ||
    treeRoot(lines.map(textLeafHash)).toString('hex') !== told.root
  )
    return `the records of leaf ${position} (exchanges ${id}) are not those that were hashed`
  if (places.length !== told.records)
    return `leaf ${position} (exchanges ${id}) has ${told.records} records, and ${places.length} are found by their id`
  const byPosition = new Map(places.map((place) => [place.position, place]))
  const openers = new Map<number, Opener>()
  for (const [index, line] of lines.entries()) {
    const reason = faultOfPlace(keys, JSON.parse(line) as Told, byPosition.get(index), openers)
    if (reason !== undefined) return `leaf ${position} (exchanges ${id}): ${reason}`
  }
  // Records of before do not name the day with which they go.
  return isFound(segment) && segment.day === (told.day ?? segment.day)
    ? undefined
    : `leaf ${position} (exchanges ${id}) is found by something else than its records have`
}

/** Whether what leads to the segment is what its calls have. */
function isFound({ records, id_starts, parties, from_at, to_at, places }: StoredSegment): boolean {
  const ats = places.map(({ at }) => at ?? 0).sort((a, b) => a - b)
  return (
    records === places.length &&
    sameSet(
      id_starts,
      places.map(({ id }) => idStart(id ?? '')),
    ) &&
    sameSet(
      parties,
      places.map(({ party_id }) => party_id ?? 0),
    ) &&
    from_at.getTime() === ats.at(0) &&
    to_at.getTime() === ats.at(-1)
  )
}

const sameSet = <T>(kept: readonly T[], needed: readonly T[]): boolean => {
  const [one, other] = [new Set(kept), new Set(needed)]
  return one.size === other.size && one.isSubsetOf(other)
}

type Told = { readonly [name: string]: unknown; readonly id: string }

/** What leads to a record has to be what stands in it. */
function faultOfPlace(
  keys: SubjectKeys,
  told: Told,
  place: Place | undefined,
  openers: Map<number, Opener>,
): string | undefined {
  const found =
    place !== undefined &&
    place.id === told.id &&
    new Date(place.at ?? -1).toISOString() === told.at &&
    place.environment === told.environment &&
    place.partner_id === (told.partnerId ?? '') &&
    place.application_id === (told.applicationId ?? '') &&
    place.api_id === (told.apiId ?? '') &&
    place.basis === (told.basis ?? '') &&
    place.purpose === (told.purpose ?? '')
  if (!found) return `the call ${told.id} is found by something else than its record has`
  if ((told.personal === undefined) !== (place.personal_id === 0))
    return `what is personal in the call ${told.id} is not there as its record says`
  try {
    openerOf(keys, place, openers)?.(`exchange:${told.id}`, told.personal)
    return undefined
  } catch (error) {
    return `what is personal in the call ${told.id} cannot be opened: ${reasonOf(error)}`
  }
}

/** @returns undefined when nothing is to be opened, or the key is gone: those are counted */
function openerOf(
  keys: SubjectKeys,
  place: Place,
  openers: Map<number, Opener>,
): Opener | undefined {
  const { personal_id: id, sealed, digest, pseudonym, wrapped_key: wrapped } = place
  const { subject_environment: environment } = place
  if (id === null || sealed === null || digest === null) return undefined
  if (environment === null || pseudonym === null || wrapped === null) return undefined
  const known = openers.get(id)
  if (known !== undefined) return known
  const owner = { subject: { environment, pseudonym }, wrapped }
  const opener = keys.opener(owner, { text: sealed, context: sealedContext(digest) })
  openers.set(id, opener)
  return opener
}
