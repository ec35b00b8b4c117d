import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { AuditTables, PartyRow } from './tables.ts'

type Db = Kysely<AuditTables>

/** What is searched for; what is undefined may be anything. */
export type EvidenceFilter = {
  of: readonly EvidenceSort[]
  from: Date
  to: Date
  environment: Environment | undefined
  partnerId: string | undefined
  applicationId: string | undefined
  apiId: string | undefined
  purpose: string | undefined
  basis: string | undefined
  /** pseudonym of a subscriber, in one environment */
  subject: string | undefined
}

export type EvidenceSort = 'exchange' | 'event' | 'action'

/** Where a page begins: behind this one, newest first. */
export type Place = { at: Date; id: string }

export type FoundEvidence = Place &
  (
    | ({ sort: 'exchange' } & Pick<
        PartyRow,
        'environment' | 'partner_id' | 'application_id' | 'api_id' | 'basis' | 'purpose'
      >)
    | {
        sort: 'event'
        kind: string
        position: number
        about: string | null
        partner_id: string | null
        application_id: string | null
        record: string
      }
    | {
        sort: 'action'
        position: number
        action: string
        target: string
        actor_kind: string
        actor_id: string | null
        partner_id: string | null
      }
  )

/** So many combinations of partner, application, API and purpose are looked through at a time. */
export const mostParties = 2_000

/**
 * Newest first. Each sort of evidence is asked by an index for as many as the page has, so the cost does not depend on how
 * much there is. A sort that has nothing like one of the filters is left out.
 * @returns `too-wide` when more parties have something than can be looked through: the search has to name one of them
 */
export async function searchEvidence(
  db: Db,
  filter: EvidenceFilter,
  page: { before: Place | undefined; limit: number },
): Promise<FoundEvidence[] | 'too-wide'> {
  const wanted = new Set(filter.of)
  const byCall = filter.apiId ?? filter.purpose ?? filter.basis
  if (byCall !== undefined) wanted.delete('event')
  if (byCall !== undefined || filter.subject !== undefined || filter.environment !== undefined)
    wanted.delete('action')
  const parties = wanted.has('exchange') ? await partiesOf(db, filter) : []
  if (parties.length > mostParties && filter.subject === undefined) return 'too-wide'
  const found = await Promise.all([
    exchanges(db, filter, parties, page),
    wanted.has('event') ? events(db, filter, page) : [],
    wanted.has('action') ? actions(db, filter, page) : [],
  ])
  return found.flat().sort(newestFirst).slice(0, page.limit)
}

// Text is compared by its bytes, as the database does it here.
const newestFirst = (a: Place, b: Place): number =>
  b.at.getTime() - a.at.getTime() || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0)

type Page = { before: Place | undefined; limit: number }

const every = (conditions: readonly (RawBuilder<unknown> | undefined)[]): RawBuilder<unknown> =>
  sql.join(
    conditions.filter((one) => one !== undefined),
    sql` and `,
  )

const whenSet = <T>(
  value: T | undefined,
  condition: (value: T) => RawBuilder<unknown>,
): RawBuilder<unknown> | undefined => (value === undefined ? undefined : condition(value))

/** A day of evidence is that of control, which may come after that of the call, and minutes before it. */
const dayBefore = (at: Date): Date => new Date(at.getTime() - 86_400_000)

async function exchanges(
  db: Db,
  filter: EvidenceFilter,
  parties: readonly Party[],
  page: Page,
): Promise<FoundEvidence[]> {
  if (parties.length === 0) return []
  const ids = parties.map(({ id }) => id)
  const conditions = [
    sql`e.day >= (${dayBefore(filter.from)}::timestamptz at time zone 'UTC')::date`,
    sql`e.at >= ${filter.from} and e.at < ${filter.to}`,
    whenSet(page.before, ({ at, id }) => sql`(e.at, e.id) < (${at}, ${id})`),
  ]
  const newest = sql`order by e.at desc, e.id desc limit ${page.limit}`
  const query =
    filter.subject === undefined
      ? // One short walk along the index for each party.
        sql<Found>`
          select e.* from unnest(${ids}::int[]) as wanted (id) cross join lateral (
            select e.id, e.at, e.party_id from audit.exchange e
            where e.party_id = wanted.id and ${every(conditions)} ${newest}
          ) as e ${newest}`
      : // First all of the subscriber's, by the index on it, whatever else is asked for.
        sql<Found>`
          with own as materialized (
            select e.id, e.at, e.party_id from audit.exchange e
            where e.personal_id > 0 and e.personal_id = any(${await personalOf(db, filter)}::bigint[])
              and ${every(conditions)}
          ) select * from own as e where e.party_id = any(${ids}::int[]) ${newest}`
  const { rows } = await query.execute(db)
  const byId = new Map(parties.map((party) => [party.id, party]))
  // A call that two segments brought is one call.
  const once = new Map(rows.map((row) => [row.id, row]))
  return [...once.values()].flatMap(({ id, at, party_id }) => {
    const party = byId.get(party_id)
    if (party === undefined) return []
    const { environment, partner_id, application_id, api_id, basis, purpose } = party
    return {
      ...{ sort: 'exchange' as const, id, at, environment, partner_id },
      ...{ application_id, api_id, basis, purpose },
    }
  })
}

/** The personal values of a subscriber, which exchanges refer to. */
async function personalOf(db: Db, { subject, environment }: EvidenceFilter): Promise<number[]> {
  const rows = await db
    .selectFrom('audit.personal as p')
    .innerJoin('audit.subject as s', 's.id', 'p.subject_id')
    .select('p.id')
    .where('s.pseudonym', '=', subject ?? '')
    .where('s.environment', '=', environment ?? 'production')
    .execute()
  return rows.map(({ id }) => id)
}

type Party = Omit<PartyRow, 'id'> & { id: number }
type Found = { id: string; at: Date; party_id: number }

/** Who could have done it: a short list, whatever the number of calls. */
async function partiesOf(db: Db, filter: EvidenceFilter): Promise<Party[]> {
  const conditions = every([
    sql`true`,
    whenSet(filter.environment, (value) => sql`environment = ${value}`),
    whenSet(filter.partnerId, (value) => sql`partner_id = ${value}`),
    whenSet(filter.applicationId, (value) => sql`application_id = ${value}`),
    whenSet(filter.apiId, (value) => sql`api_id = ${value}`),
    whenSet(filter.basis, (value) => sql`basis = ${value}`),
    whenSet(filter.purpose, (value) => sql`purpose = ${value}`),
  ])
  const { rows } = await sql<Party>`
    select * from audit.party where ${conditions} limit ${mostParties + 1}`.execute(db)
  return rows
}

async function events(db: Db, filter: EvidenceFilter, page: Page): Promise<FoundEvidence[]> {
  const { applicationId, partnerId, subject, environment } = filter
  // An application is found by its partner, which has an index.
  const partner = partnerId ?? (await partnerOf(db, applicationId))
  if (applicationId !== undefined && partner === undefined) return []
  const conditions = every([
    sql`e.at >= ${filter.from} and e.at < ${filter.to}`,
    whenSet(partner, (value) => sql`e.partner_id = ${value}`),
    whenSet(applicationId, (value) => sql`e.application_id = ${value}`),
    whenSet(
      subject,
      (value) => sql`e.subject_id in (
        select id from audit.subject where pseudonym = ${value} and environment = ${environment})`,
    ),
    subject === undefined && environment !== undefined
      ? sql`e.record::jsonb ->> 'environment' = ${environment}`
      : undefined,
    whenSet(page.before, ({ at, id }) => sql`(e.at, e.id) < (${at}, ${id})`),
  ])
  const { rows } = await sql<Omit<Extract<FoundEvidence, { sort: 'event' }>, 'sort'>>`
    select e.kind, e.id, e.at, e.about, e.partner_id, e.application_id, e.record, l.position
    from audit.evidence e join audit.leaf l on l.kind = e.kind and l.id = e.id
    where ${conditions} order by e.at desc, e.id desc limit ${page.limit}`.execute(db)
  return rows.map((row) => ({ sort: 'event', ...row }))
}

async function partnerOf(db: Db, applicationId: string | undefined): Promise<string | undefined> {
  if (applicationId === undefined) return undefined
  const party = await db
    .selectFrom('audit.party')
    .select('partner_id')
    .where('application_id', '=', applicationId)
    .limit(1)
    .executeTakeFirst()
  if (party !== undefined) return party.partner_id
  const event = await db
    .selectFrom('audit.entry')
    .select('partner_id')
    .where('target', '=', applicationId)
    .where('partner_id', 'is not', null)
    .limit(1)
    .executeTakeFirst()
  return event?.partner_id ?? undefined
}

async function actions(db: Db, filter: EvidenceFilter, page: Page): Promise<FoundEvidence[]> {
  const conditions = every([
    sql`e.occurred_at >= ${filter.from} and e.occurred_at < ${filter.to}`,
    whenSet(filter.partnerId, (value) => sql`e.partner_id = ${value}`),
    whenSet(filter.applicationId, (value) => sql`e.target = ${value}`),
    whenSet(
      page.before,
      ({ at, id }) => sql`(e.occurred_at, e.event_id collate "C") < (${at}, ${id})`,
    ),
  ])
  const { rows } = await sql<Omit<Extract<FoundEvidence, { sort: 'action' }>, 'sort'>>`
    select e.event_id as id, e.occurred_at as at, e.action, e.target, e.actor_kind, e.actor_id, e.partner_id,
      l.position
    from audit.entry e join audit.leaf l on l.kind = 'action' and l.id = e.event_id
    where ${conditions}
    order by e.occurred_at desc, e.event_id collate "C" desc limit ${page.limit}`.execute(db)
  return rows.map((row) => ({ sort: 'action', ...row }))
}
