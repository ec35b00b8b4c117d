import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Environment } from '#platform/config'
import { newestFirst, type Place } from './evidence-place.ts'
import { type ExchangeFilter, searchExchanges } from './search-exchanges.ts'
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
 * @returns `too-wide` when more parties have something than can be looked through: the search has to name
 * a partner, of whom all is found
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
  const calls = wanted.has('exchange') ? await callFilter(db, filter) : undefined
  if (calls === 'too-wide') return calls
  const found = await Promise.all([
    calls === undefined ? [] : exchanges(db, calls, page),
    wanted.has('event') ? events(db, filter, page) : [],
    wanted.has('action') ? actions(db, filter, page) : [],
  ])
  return found.flat().sort(newestFirst).slice(0, page.limit)
}

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

const exchanges = async (db: Db, filter: ExchangeFilter, page: Page): Promise<FoundEvidence[]> =>
  (await searchExchanges(db, filter, page)).map((one) => ({ sort: 'exchange', ...one }))

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

/** Who could have done it is a short list, mostly, whatever the number of calls. */
async function callFilter(db: Db, filter: EvidenceFilter): Promise<ExchangeFilter | 'too-wide'> {
  const { from, to, subject, environment } = filter
  const named = [
    whenSet(filter.partnerId, (value) => sql`y.partner_id = ${value}`),
    whenSet(filter.applicationId, (value) => sql`y.application_id = ${value}`),
    whenSet(filter.apiId, (value) => sql`y.api_id = ${value}`),
    whenSet(filter.basis, (value) => sql`y.basis = ${value}`),
    whenSet(filter.purpose, (value) => sql`y.purpose = ${value}`),
  ].filter((one) => one !== undefined)
  const ofEnvironment = whenSet(environment, (value) => sql`y.environment = ${value}`)
  const party = ofEnvironment === undefined ? named : [...named, ofEnvironment]
  if (subject !== undefined)
    return { from, to, party, parties: undefined, personal: await personalOf(db, filter) }
  // Everybody's calls, or half of them, are found by their time alone.
  if (named.length === 0) return { from, to, party, parties: undefined, personal: undefined }
  const { rows } = await sql<{ id: number }>`
    select y.id from audit.party y where ${every(party)} limit ${mostParties + 1}`.execute(db)
  const few = rows.length <= mostParties
  // Whoever calls in so many ways calls often, so that the calls of everybody soon have a page of theirs.
  if (!few && filter.partnerId !== undefined)
    return { from, to, party, parties: undefined, personal: undefined }
  if (!few) return 'too-wide'
  return { from, to, party, parties: rows.map(({ id }) => id), personal: undefined }
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
    select e.*, l.position
    from (
      select e.kind, e.id, e.at, e.about, e.partner_id, e.application_id, e.record from audit.evidence e
      where ${conditions} order by e.at desc, e.id desc limit ${page.limit}
    ) as e
    join audit.leaf l on l.kind = e.kind and l.id = e.id
    order by e.at desc, e.id desc`.execute(db)
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
    whenSet(page.before, ({ at, id }) => sql`(e.occurred_at, e.event_id) < (${at}, ${id})`),
  ])
  const { rows } = await sql<Omit<Extract<FoundEvidence, { sort: 'action' }>, 'sort'>>`
    select e.event_id as id, e.occurred_at as at, e.action, e.target, e.actor_kind, e.actor_id, e.partner_id,
      l.position
    from audit.entry e join audit.leaf l on l.kind = 'action' and l.id = e.event_id
    where ${conditions}
    order by e.occurred_at desc, e.event_id desc limit ${page.limit}`.execute(db)
  return rows.map((row) => ({ sort: 'action', ...row }))
}
