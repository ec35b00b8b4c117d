import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { MeteringTables, StoredLegal } from './tables.ts'

export type ExchangeFilter = {
  from: Date
  to: Date
  partnerId: string | undefined
  environment: Environment | undefined
  /** any of these */
  correlators: readonly string[] | undefined
  traceId: string | undefined
  applicationId: string | undefined
  apiId: string | undefined
  status: number | undefined
  undocumented?: boolean | undefined
}

export type StoredExchange = {
  id: string
  correlator: string
  at: Date
  environment: Environment
  partner_id: string
  application_id: string
  contract_id: string
  api_id: string
  operation_id: string
  method: string
  price_id: string
  status: number
  code: string | null
  refused_by: string | null
  upstream_status: number | null
  total_us: number
  upstream_us: number | null
  units: number
  unit_price: string | null
  currency: string | null
  request_bytes: number
  response_bytes: number
  credential_id: string
  tier: string | null
  credential: string | null
  bound: string | null
  upstream: string | null
  trace_id: string | null
  reason: string | null
  subject: string | null
  idempotency: string | null
  masked: string[] | null
  stripped: boolean | null
  undocumented: boolean | null
  legal: StoredLegal | null
}

/** An exchange with the gateway that served it, and since when it is counted. */
export type StoredExchangeDetail = StoredExchange & { gateway_id: string; counted_at: Date }

const columns = sql`
  e.id, e.correlator, e.at, e.environment, e.partner_id, m.application_id, m.contract_id, m.api_id, m.operation_id,
  m.method, m.price_id, e.status, e.code, e.refused_by, e.upstream_status, e.total_us, e.upstream_us, e.units,
  e.request_bytes, e.response_bytes, m.credential_id, e.tier, e.credential, e.bound, e.upstream, e.trace_id, e.reason,
  e.subject, e.idempotency, e.masked, e.stripped, e.undocumented, e.legal, p.unit::text as unit_price, p.currency`

const joins = sql`
  join metering.meter m on m.id = e.meter_id
  left join metering.price p on p.price_id = m.price_id`

const utcDate = (at: Date) => sql`(${at}::timestamptz at time zone 'UTC')::date`

const where = (filter: ExchangeFilter) =>
  sql.join(
    [
      // The day prunes partitions; the moment is what was asked.
      sql`e.day between ${utcDate(filter.from)} and ${utcDate(filter.to)}`,
      sql`e.at >= ${filter.from} and e.at < ${filter.to}`,
      ...(filter.partnerId === undefined ? [] : [sql`e.partner_id = ${filter.partnerId}`]),
      ...(filter.correlators === undefined
        ? []
        : [sql`e.correlator = any(${filter.correlators}::text[])`]),
      ...(filter.traceId === undefined ? [] : [sql`e.trace_id = ${filter.traceId}`]),
      // Only `true` is written down.
      ...(filter.undocumented === undefined
        ? []
        : [filter.undocumented ? sql`e.undocumented` : sql`e.undocumented is null`]),
      ...(filter.status === undefined ? [] : [sql`e.status = ${filter.status}`]),
      ...(filter.environment === undefined ? [] : [sql`e.environment = ${filter.environment}`]),
      ...(filter.applicationId === undefined
        ? []
        : [sql`m.application_id = ${filter.applicationId}`]),
      ...(filter.apiId === undefined ? [] : [sql`m.api_id = ${filter.apiId}`]),
    ],
    sql` and `,
  )

/** Newest first. */
export const exchangesQuery = (
  filter: ExchangeFilter,
  page: { limit: number; offset: number },
): RawBuilder<StoredExchange> => sql<StoredExchange>`
  select ${columns} from metering.exchange e ${joins} where ${where(filter)}
  order by e.at desc, e.id desc limit ${page.limit} offset ${page.offset}`

/** How many there are, counted up to a bound: a list of millions is not counted to the end for one page. */
export async function countExchanges(
  db: Kysely<MeteringTables>,
  filter: ExchangeFilter,
  bound: number,
): Promise<number> {
  const { rows } = await sql<{ total: number }>`
    select count(*) as total from (
      select 1 from metering.exchange e ${joins} where ${where(filter)} limit ${bound}
    ) as bounded`.execute(db)
  return rows[0]?.total ?? 0
}

export const exchangeQuery = (
  id: string,
): RawBuilder<StoredExchangeDetail> => sql<StoredExchangeDetail>`
  select ${columns}, s.gateway_id, s.applied_at as counted_at from metering.exchange e ${joins}
  join metering.segment s on s.id = e.segment_id where e.id = ${id} order by e.environment desc limit 2`

/**
 * Whose calls these are. A partner's own calls are found by an index on the partner, so a question for an application
 * is asked with its partner.
 */
export async function partnerOfApplication(
  db: Kysely<MeteringTables>,
  applicationId: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('metering.meter')
    .select('partner_id')
    .where('application_id', '=', applicationId)
    .limit(1)
    .executeTakeFirst()
  return row?.partner_id
}
