import { type Kysely, sql, type Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { MeteringTables } from './tables.ts'

type Trx = Transaction<MeteringTables>

/** Everything that a reconciliation reads is of one moment, while the intake goes on. */
export const atOneMoment = <T>(
  db: Kysely<MeteringTables>,
  read: (trx: Trx) => Promise<T>,
): Promise<T> =>
  db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(read)

export type SegmentLink = {
  id: number
  environment: Environment
  gateway_id: string
  boot: string
  sequence: number
  sha256: string
  previous_sha256: string | null
  recovered: boolean
  before_sequence: number | null
  before_sha256: string | null
}

/** Segments that do not follow the one before them by number or by hash. */
export async function brokenLinks(trx: Trx): Promise<SegmentLink[]> {
  const { rows } = await sql<SegmentLink>`
    with linked as (
      select id, environment, gateway_id, boot, sequence, sha256, previous_sha256, recovered,
        lag(sequence) over run as before_sequence, lag(sha256) over run as before_sha256
      from metering.segment window run as (partition by environment, gateway_id, boot order by sequence)
    )
    select * from linked
    where previous_sha256 is distinct from before_sha256
      or sequence <> coalesce(before_sequence + 1, 0)
    order by environment, gateway_id, boot, sequence limit 500`.execute(trx)
  return rows
}

export type DayCounts = {
  environment: Environment
  day: string
  /** false when the raw records of the day were dropped after retention */
  kept: boolean
  segment_records: number
  segment_units: number
  duplicates: number
  duplicate_units: number
  raw_records: number
  raw_units: number
  rollup_calls: number
  rollup_units: number
  unattributed_calls: number
  unattributed_units: number
}

const counted = sql`coalesce(sum(records), 0)::bigint as records, coalesce(sum(units), 0)::bigint as units`

/** The same calls, counted at each place where they are, by environment and UTC day. */
export async function countDays(trx: Trx): Promise<DayCounts[]> {
  const { rows } = await sql<DayCounts>`
    with segments as (
      select s.environment, d.day, sum(d.records) as records, sum(d.units) as units
      from metering.segment_day d join metering.segment s on s.id = d.segment_id group by 1, 2
    ), duplicates as (
      select s.environment, d.day, count(*) as records, sum(d.units) as units
      from metering.duplicate d join metering.segment s on s.id = d.segment_id group by 1, 2
    ), raw as (
      select environment, day, count(*) as records, sum(units) as units from metering.exchange group by 1, 2
    ), rolled as (
      select m.environment, (r.bucket at time zone 'UTC')::date as day, sum(r.calls) as calls, sum(r.units) as units,
        sum(r.calls) filter (where m.application_id = '') as unattributed_calls,
        sum(r.units) filter (where m.application_id = '') as unattributed_units
      from metering.rollup r join metering.meter m on m.id = r.meter_id group by 1, 2
    )
    select environment, day::text as day, coalesce(k.dropped_at is null, true) as kept,
      coalesce(s.records, 0)::bigint as segment_records, coalesce(s.units, 0)::bigint as segment_units,
      coalesce(d.records, 0)::bigint as duplicates, coalesce(d.units, 0)::bigint as duplicate_units,
      coalesce(raw.records, 0)::bigint as raw_records, coalesce(raw.units, 0)::bigint as raw_units,
      coalesce(u.calls, 0)::bigint as rollup_calls, coalesce(u.units, 0)::bigint as rollup_units,
      coalesce(u.unattributed_calls, 0)::bigint as unattributed_calls,
      coalesce(u.unattributed_units, 0)::bigint as unattributed_units
    from segments s
    full join duplicates d using (environment, day)
    full join raw using (environment, day)
    full join rolled u using (environment, day)
    left join metering.exchange_day k using (day)
    order by day, environment`.execute(trx)
  return rows
}

export type Difference = { what: string; expected: number; found: number }

/** Segments whose raw records are not the ones that were counted, on days that are kept. */
export async function segmentDifferences(trx: Trx): Promise<Difference[]> {
  const { rows } = await sql<Difference>`
    with told as (
      select d.segment_id, d.day, d.records, d.units from metering.segment_day d
      left join metering.exchange_day k using (day) where k.dropped_at is null
    ), raw as (
      select segment_id, day, ${counted} from (
        select segment_id, day, 1 as records, units from metering.exchange
        union all select segment_id, day, 1, units from metering.duplicate
      ) as each group by 1, 2
    )
    select format('segment %s of %s %s on %s', s.sequence, s.gateway_id, s.boot, day) as what,
      coalesce(told.records, 0)::bigint as expected, coalesce(raw.records, 0)::bigint as found
    from told full join raw using (segment_id, day) left join metering.segment s on s.id = segment_id
    where s.id is null or told.records is distinct from raw.records or told.units is distinct from raw.units
    order by 1 limit 500`.execute(trx)
  return rows
}

/** Segments whose own total is not the sum of their days. */
export async function totalDifferences(trx: Trx): Promise<Difference[]> {
  const { rows } = await sql<Difference>`
    select format('segment %s of %s %s', s.sequence, s.gateway_id, s.boot) as what, s.records::bigint as expected,
      coalesce(d.records, 0)::bigint as found
    from metering.segment s
    left join (select segment_id, ${counted} from metering.segment_day group by 1) d on d.segment_id = s.id
    where s.records <> coalesce(d.records, 0) or s.units <> coalesce(d.units, 0)
      or s.duplicates <> (select count(*) from metering.duplicate where segment_id = s.id)
    order by 1 limit 500`.execute(trx)
  return rows
}

/** Sums that are not the sums of the raw records, on days that are kept. */
export async function rollupDifferences(trx: Trx): Promise<Difference[]> {
  const { rows } = await sql<Difference>`
    with raw as (
      select meter_id, date_bin('15 minutes', at, '2000-01-01T00:00:00Z') as bucket, status,
        count(*) as calls, sum(units) as units, sum(total_us) as total_us
      from metering.exchange group by 1, 2, 3
    ), summed as (
      select r.* from metering.rollup r
      left join metering.exchange_day k on k.day = (r.bucket at time zone 'UTC')::date
      where k.dropped_at is null
    )
    select format('%s %s %s %s %s from %s', m.environment, m.application_id, m.api_id, m.operation_id, status,
        to_char(bucket at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"')) as what,
      coalesce(raw.calls, 0)::bigint as expected, coalesce(summed.calls, 0)::bigint as found
    from raw full join summed using (meter_id, bucket, status) left join metering.meter m on m.id = meter_id
    where raw.calls is distinct from summed.calls or raw.units is distinct from summed.units
      or raw.total_us is distinct from summed.total_us
    order by 1 limit 500`.execute(trx)
  return rows
}

export type RatedSum = {
  environment: Environment
  day: string
  price_id: string
  units: number
}

/** Units by price version, as the sums have them: what amounts are made of. */
export async function unitsByPrice(trx: Trx): Promise<RatedSum[]> {
  const { rows } = await sql<RatedSum>`
    select m.environment, ((r.bucket at time zone 'UTC')::date)::text as day, m.price_id, sum(r.units)::bigint as units
    from metering.rollup r join metering.meter m on m.id = r.meter_id
    where m.application_id <> '' group by 1, 2, 3`.execute(trx)
  return rows
}

export const priceCopies = (
  trx: Trx,
): Promise<{ price_id: string; unit: string; list: string; currency: string }[]> =>
  trx.selectFrom('metering.price').selectAll().orderBy('price_id').execute()

export const quarantined = (
  trx: Trx,
): Promise<
  { environment: Environment; gateway_id: string; boot: string; sequence: number; reason: string }[]
> =>
  trx
    .selectFrom('metering.quarantine')
    .select(['environment', 'gateway_id', 'boot', 'sequence', 'reason'])
    .orderBy('id')
    .limit(500)
    .execute()

export type AppliedSegment = { id: number; sha256: string }

export const appliedSegment = (
  trx: Trx,
  name: { environment: Environment; gatewayId: string; boot: string; sequence: number },
): Promise<AppliedSegment | undefined> =>
  trx
    .selectFrom('metering.segment')
    .select(['id', 'sha256'])
    .where('environment', '=', name.environment)
    .where('gateway_id', '=', name.gatewayId)
    .where('boot', '=', name.boot)
    .where('sequence', '=', name.sequence)
    .executeTakeFirst()

export type RawRecord = {
  id: string
  position: number
  correlator: string
  at_ms: number
  environment: Environment
  partner_id: string
  application_id: string
  credential_id: string
  contract_id: string
  api_id: string
  operation_id: string
  method: string
  price_id: string
  status: number
  code: string | null
  refused_by: string | null
  units: number
  total_us: number
}

/** The raw records of one segment on these days, by their place in it. */
export async function rawRecords(
  trx: Trx,
  segmentId: number,
  days: readonly string[],
): Promise<Map<number, RawRecord>> {
  const { rows } = await sql<RawRecord>`
    select e.id, e.position, e.correlator, (extract(epoch from e.at) * 1000)::bigint as at_ms, e.environment,
      m.partner_id, m.application_id, m.credential_id, m.contract_id, m.api_id, m.operation_id, m.method, m.price_id,
      e.status, e.code, e.refused_by, e.units, e.total_us
    from metering.exchange e join metering.meter m on m.id = e.meter_id
    where e.segment_id = ${segmentId} and e.day = any(${[...days]}::date[])`.execute(trx)
  return new Map(rows.map((row) => [row.position, row]))
}

export async function duplicatePositions(trx: Trx, segmentId: number): Promise<Set<number>> {
  const rows = await trx
    .selectFrom('metering.duplicate')
    .select('position')
    .where('segment_id', '=', segmentId)
    .execute()
  return new Set(rows.map((row) => row.position))
}

export async function droppedDays(trx: Trx): Promise<Set<string>> {
  const { rows } = await sql<{ day: string }>`
    select day::text as day from metering.exchange_day where dropped_at is not null`.execute(trx)
  return new Set(rows.map((row) => row.day))
}

export async function countDuplicates(trx: Trx): Promise<number> {
  const row = await trx
    .selectFrom('metering.duplicate')
    .select((eb) => eb.fn.countAll<number>().as('n'))
    .executeTakeFirstOrThrow()
  return row.n
}
