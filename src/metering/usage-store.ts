import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { MeteringTables } from './tables.ts'

export type UsageFilter = {
  /** first and last day, both counted, in the time zone */
  from: string
  to: string
  timeZone: string
  environment: Environment | undefined
  partnerId: string | undefined
  applicationId: string | undefined
  apiId: string | undefined
}

export type UsageSum = {
  /** null in the row that sums everything */
  day: string | null
  environment: Environment
  application_id: string
  api_id: string
  operation_id: string
  status: number
  currency: string
  calls: number
  units: number
  amount: string
  list_amount: string
  unrated_calls: number
  unrated_units: number
}

/**
 * Sums by day, application, API, operation and status, and before them their total. Units times price is exact
 * (`numeric`): nothing is rounded here.
 */
export const usageQuery = (
  filter: UsageFilter,
  currency: string,
  limit: number,
): RawBuilder<UsageSum> => sql<UsageSum>`
  with period as (
    select (${filter.from}::date)::timestamp at time zone ${filter.timeZone} as starts,
      (${filter.to}::date + 1)::timestamp at time zone ${filter.timeZone} as ends
  ), summed as (
    select (r.bucket at time zone ${filter.timeZone})::date as day, m.environment, m.application_id, m.api_id,
      m.operation_id, r.status, m.price_id, sum(r.calls) as calls, sum(r.units) as units
    from metering.rollup r join metering.meter m on m.id = r.meter_id
    where ${both(filter)}
      and r.bucket >= (select starts from period) and r.bucket < (select ends from period)
    group by 1, 2, 3, 4, 5, 6, 7
  ), rated as (
    select s.*, p.price_id is null and s.units > 0 as unrated, coalesce(p.currency, ${currency}) as currency,
      s.units * coalesce(p.unit, 0) as amount, s.units * coalesce(p.list, 0) as list_amount
    from summed s left join metering.price p on p.price_id = s.price_id
  )
  select day::text as day, environment, application_id, api_id, operation_id, status, currency,
    sum(calls)::bigint as calls, sum(units)::bigint as units,
    ${exactSum('amount', currency)} as amount, ${exactSum('list_amount', currency)} as list_amount,
    coalesce(sum(calls) filter (where unrated), 0)::bigint as unrated_calls,
    coalesce(sum(units) filter (where unrated), 0)::bigint as unrated_units
  from rated
  group by grouping sets
    ((day, environment, application_id, api_id, operation_id, status, currency), ())
  order by day nulls first, environment, application_id, api_id, operation_id, status, currency
  limit ${limit + 1}`

/** The total is in the operator's currency: amounts of another one cannot be added to it, only shown in their rows. */
const exactSum = (column: 'amount' | 'list_amount', currency: string) =>
  sql`trim_scale(coalesce(case when grouping(day) = 0 then sum(${sql.ref(column)})
    else sum(${sql.ref(column)}) filter (where currency = ${currency}) end, 0))::text`

// Whose usage it is: what an application called. A caller that was not recognised has none.
const both = ({ environment, partnerId, applicationId, apiId }: UsageFilter) =>
  sql.join(
    [
      sql`m.application_id <> ''`,
      ...(environment === undefined ? [] : [sql`m.environment = ${environment}`]),
      ...(partnerId === undefined ? [] : [sql`m.partner_id = ${partnerId}`]),
      ...(applicationId === undefined ? [] : [sql`m.application_id = ${applicationId}`]),
      ...(apiId === undefined ? [] : [sql`m.api_id = ${apiId}`]),
    ],
    sql` and `,
  )

/**
 * Up to when the figures are whole: the earliest of the gateways that were heard of lately, so that a figure is never
 * called fresh while one of them is behind.
 */
export async function freshUntil(
  db: Kysely<MeteringTables>,
  environment: Environment | undefined,
): Promise<Date | undefined> {
  const { rows } = await sql<{ through: Date | null }>`
    with known as (
      select * from metering.watermark
      where ${environment === undefined ? sql`true` : sql`environment = ${environment}`}
    )
    select coalesce(
      min(through) filter (where seen_at > (select max(seen_at) from known) - interval '1 minute'), max(through)
    ) as through from known`.execute(db)
  return rows[0]?.through ?? undefined
}
