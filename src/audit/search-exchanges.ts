import { type Kysely, type RawBuilder, sql } from 'kysely'
import { arrayLiteral } from '#platform/array-literal'
import { newestFirst, type Place } from './evidence-place.ts'
import type { AuditTables, PartyRow } from './tables.ts'

type Db = Kysely<AuditTables>

export type ExchangeFilter = {
  from: Date
  to: Date
  /** what has to hold for who called what, of a row `y` of `audit.party` */
  party: readonly RawBuilder<unknown>[]
  /** for which parties that holds, when they are few enough to be looked for */
  parties: readonly number[] | undefined
  /** personal values that it is about; undefined is anybody */
  personal: readonly number[] | undefined
}

export type FoundExchange = Place & Omit<PartyRow, 'id'>

type Page = { before: Place | undefined; limit: number }

/** A segment that may hold what is searched for. */
type Candidate = { id: number; day: string; to_at: Date }

/** What is left to look through of some days: nothing in it is newer than `newest`. */
type Stretch = {
  first: string
  last: string
  newest: number
  read: Candidate[]
  after: Candidate | undefined
  more: boolean
}

const dayMs = 86_400_000
/** A record may be this much newer than the day on which it became evidence. */
const aheadMs = 10 * 60_000
const readAtOnce = 64
const openedAtOnce = 8

/**
 * Calls about people, newest first. Segments are looked through from the newest on, and no further than the page needs;
 * which ones can hold something tells an index, a stretch of days at a time.
 */
export async function searchExchanges(
  db: Db,
  filter: ExchangeFilter,
  page: Page,
): Promise<FoundExchange[]> {
  if (filter.parties?.length === 0 || filter.personal?.length === 0) return []
  const stretches = await stretchesOf(db, filter.from)
  // A call that two segments brought is one call.
  const found = new Map<string, FoundExchange>()
  for (;;) {
    const candidates = await nextCandidates(db, filter, page, stretches)
    if (candidates.length === 0) break
    for (const call of await callsIn(db, candidates, filter, page)) found.set(call.id, call)
    const kept = [...found.values()].sort(newestFirst)
    const last = kept[page.limit - 1]
    // What is at the same moment may still come first by its id.
    if (last !== undefined && last.at.getTime() > newestLeft(stretches)) break
  }
  return [...found.values()].sort(newestFirst).slice(0, page.limit)
}

const newestLeft = (stretches: readonly Stretch[]): number =>
  Math.max(-1, ...stretches.map(({ newest }) => newest))

/** The days that may have something, newest first, in stretches of one day, two, four, …: a search of years asks few questions. */
async function stretchesOf(db: Db, from: Date): Promise<Stretch[]> {
  // The day is that of control, which may come after that of the call, and minutes before it.
  const { rows } = await sql<{ day: string }>`
    select day::text as day from audit.evidence_day
    where dropped_at is null and day >= (${new Date(from.getTime() - aheadMs)}::timestamptz at time zone 'UTC')::date
    order by day desc`.execute(db)
  const days = rows.map(({ day }) => day)
  const stretches: Stretch[] = []
  for (let length = 1; days.length > 0; length *= 2) {
    const some = days.splice(0, length)
    const [last = ''] = some
    const newest = Date.parse(`${last}T00:00:00Z`) + dayMs + aheadMs
    stretches.push({
      first: some.at(-1) ?? '',
      last,
      newest,
      read: [],
      after: undefined,
      more: true,
    })
  }
  return stretches
}

/** The next few segments, by their newest call; `newest` of the stretches then says what may still come. */
async function nextCandidates(
  db: Db,
  filter: ExchangeFilter,
  page: Page,
  stretches: readonly Stretch[],
): Promise<Candidate[]> {
  const next: Candidate[] = []
  while (next.length < openedAtOnce) {
    const newest = newestLeft(stretches)
    const stretch = stretches.find((one) => one.newest === newest)
    if (newest < 0 || stretch === undefined) break
    if (stretch.read.length === 0 && stretch.more) await readMore(db, filter, page, stretch)
    else next.push(...stretch.read.splice(0, 1))
    stretch.newest = stretch.read[0]?.to_at.getTime() ?? (stretch.more ? stretch.newest : -1)
  }
  return next
}

async function readMore(
  db: Db,
  { from, to, parties, personal }: ExchangeFilter,
  { before }: Page,
  stretch: Stretch,
): Promise<void> {
  const { first, last, after } = stretch
  const conditions = [
    sql`s.day between ${first}::date and ${last}::date and s.to_at >= ${from} and s.from_at < ${to}`,
    ...(before === undefined ? [] : [sql`s.from_at <= ${before.at}`]),
    ...(after === undefined ? [] : [sql`(s.to_at, s.id) < (${after.to_at}, ${after.id})`]),
    ...(parties === undefined ? [] : [sql`s.parties && ${arrayLiteral(parties)}::int[]`]),
    ...(personal === undefined ? [] : [sql`s.personal_ids && ${arrayLiteral(personal)}::bigint[]`]),
  ]
  const { rows } = await sql<Candidate>`
    select s.id, s.day::text as day, s.to_at from audit.segment s where ${every(conditions)}
    order by s.to_at desc, s.id desc limit ${readAtOnce}`.execute(db)
  stretch.read = rows
  stretch.after = rows.at(-1)
  stretch.more = rows.length === readAtOnce
}

async function callsIn(
  db: Db,
  candidates: readonly Candidate[],
  { from, to, party, personal }: ExchangeFilter,
  { before, limit }: Page,
): Promise<FoundExchange[]> {
  const conditions = [
    sql`c.at >= ${from.getTime()} and c.at < ${to.getTime()}`,
    ...(before === undefined
      ? []
      : [sql`(c.at, c.id collate "C") < (${before.at.getTime()}, ${before.id})`]),
    ...party,
    ...(personal === undefined
      ? []
      : [sql`c.personal_id = any(${arrayLiteral(personal)}::bigint[])`]),
  ]
  // Each call once before they are limited: a page would be short, or leave calls out, for those that two segments brought.
  const { rows } = await sql<FoundExchange>`
    select distinct on (c.at, c.id collate "C") c.id, to_timestamp(c.at / 1000.0) as at, y.environment, y.partner_id,
      y.application_id, y.api_id, y.basis, y.purpose
    from unnest(${arrayLiteral(candidates.map(({ day }) => day))}::date[],
      ${arrayLiteral(candidates.map(({ id }) => id))}::bigint[]) as one (day, id)
    join audit.segment s on s.day = one.day and s.id = one.id
    cross join lateral unnest(s.ids, s.ats, s.party_ids, s.personal_ids) as c (id, at, party_id, personal_id)
    join audit.party y on y.id = c.party_id
    where ${every(conditions)} order by c.at desc, c.id collate "C" desc limit ${limit}`.execute(db)
  return rows
}

const every = (conditions: readonly RawBuilder<unknown>[]): RawBuilder<unknown> =>
  sql.join([...conditions], sql` and `)
