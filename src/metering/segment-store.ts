import { type Kysely, sql, type Transaction } from 'kysely'
import type { JournalRecord, SegmentFooter } from '#journal'
import { arrayLiteral } from '#platform/array-literal'
import type { Environment } from '#platform/config'
import type { MeteringTables } from './tables.ts'
import { groupByDay, utcDay } from './utc-day.ts'

type Db = Kysely<MeteringTables> | Transaction<MeteringTables>
type Trx = Transaction<MeteringTables>

/** What makes a segment itself. */
export type SegmentName = {
  environment: Environment
  gatewayId: string
  boot: string
  sequence: number
}

export type KnownSegment = { sha256: string; records: number; duplicates: number }

export const findSegment = (db: Db, name: SegmentName): Promise<KnownSegment | undefined> =>
  db
    .selectFrom('metering.segment')
    .select(['sha256', 'records', 'duplicates'])
    .where('environment', '=', name.environment)
    .where('gateway_id', '=', name.gatewayId)
    .where('boot', '=', name.boot)
    .where('sequence', '=', name.sequence)
    .executeTakeFirst()

/**
 * Takes the name of a segment for this transaction; another that wants the same name waits for its end.
 * @returns undefined when the name is taken
 */
export async function insertSegment(
  trx: Trx,
  name: SegmentName,
  sha256: string,
  footer: SegmentFooter,
): Promise<number | undefined> {
  const row = await trx
    .insertInto('metering.segment')
    .values({
      environment: name.environment,
      gateway_id: name.gatewayId,
      boot: name.boot,
      sequence: name.sequence,
      sha256,
      previous_sha256: footer.previous,
      records: footer.count,
      units: footer.units,
      counters: JSON.stringify(footer.counters),
      recovered: footer.recovered,
      sealed_at: new Date(footer.sealedAt),
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('id')
    .executeTakeFirst()
  return row?.id
}

const microseconds = (ms: number): number => Math.round(ms * 1000)

/**
 * Writes the records down and adds to the sums what was not counted before, in one statement.
 * @param meterIds the meter of each record
 * @returns how many were counted now
 */
export async function insertRecords(
  trx: Trx,
  segmentId: number,
  environment: Environment,
  records: readonly JournalRecord[],
  meterIds: readonly number[],
): Promise<number> {
  if (records.length === 0) return 0
  const column = (value: (record: JournalRecord) => string | number | undefined): string =>
    arrayLiteral(records.map(value))
  // What no record has is an empty list, which `unnest` fills up with nulls: it costs nothing to read.
  const rare: typeof column = (value) => {
    const values = records.map(value)
    return values.every((one) => one === undefined) ? '{}' : arrayLiteral(values)
  }
  const { rows } = await sql<{ counted: number }>`
    with input as materialized (
      select * from unnest(
        ${column((r) => r.id)}::text[], ${column((r) => r.correlator)}::text[],
        ${column((r) => r.partnerId ?? '')}::text[], ${column((r) => r.code)}::text[],
        ${column((r) => r.refusedBy)}::text[], ${column((r) => r.at)}::bigint[],
        ${column((r) => microseconds(r.totalMs))}::bigint[],
        ${column((r) => (r.upstreamMs === undefined ? undefined : microseconds(r.upstreamMs)))}::bigint[],
        ${column((r) => r.requestBytes)}::bigint[], ${column((r) => r.responseBytes)}::bigint[],
        ${arrayLiteral(meterIds)}::int[], ${column((r) => r.index)}::int[],
        ${column((r) => r.units)}::int[], ${column((r) => r.status)}::smallint[],
        ${column((r) => r.upstreamStatus)}::smallint[],
        ${rare((r) => r.tier)}::text[], ${rare((r) => r.credential)}::text[],
        ${rare((r) => r.bound)}::text[], ${rare((r) => r.upstream)}::text[],
        ${rare((r) => r.traceId)}::text[], ${rare((r) => r.reason)}::text[],
        ${rare((r) => r.subject)}::text[], ${rare((r) => r.idempotency)}::text[],
        ${rare((r) => (r.masked === undefined ? undefined : JSON.stringify(r.masked)))}::text[],
        ${rare((r) => (r.stripped === undefined ? undefined : String(r.stripped)))}::boolean[],
        ${rare((r) => (r.undocumented === undefined ? undefined : String(r.undocumented)))}::boolean[],
        ${rare((r) => (r.legal === undefined ? undefined : JSON.stringify(r.legal)))}::text[]
      ) as r (id, correlator, partner_id, code, refused_by, at_ms, total_us, upstream_us, request_bytes,
        response_bytes, meter_id, position, units, status, upstream_status, tier, credential, bound, upstream,
        trace_id, reason, subject, idempotency, masked, stripped, undocumented, legal)
    ), counted as (
      insert into metering.exchange (id, correlator, partner_id, code, refused_by, at, segment_id, total_us,
        upstream_us, request_bytes, response_bytes, day, environment, meter_id, position, units, status,
        upstream_status, tier, credential, bound, upstream, trace_id, reason, subject, idempotency, masked,
        stripped, undocumented, legal)
      select id, correlator, partner_id, code, refused_by, to_timestamp(at_ms / 1000.0), ${segmentId}::bigint,
        total_us, upstream_us, request_bytes, response_bytes,
        (to_timestamp(at_ms / 1000.0) at time zone 'UTC')::date, ${environment}::metering.environment,
        meter_id, position, units, status, upstream_status, tier, credential, bound, upstream, trace_id,
        reason, subject, idempotency, masked::jsonb, stripped, undocumented, legal::jsonb
      from input
      on conflict do nothing
      returning meter_id, at, status, units, total_us
    ), summed as (
      -- Ordered, so that two segments that meet in the same sums wait for each other in the same order.
      insert into metering.rollup as r (meter_id, bucket, status, calls, units, total_us)
      select meter_id, date_bin('15 minutes', at, '2000-01-01T00:00:00Z'), status, count(*), sum(units), sum(total_us)
      from counted group by 1, 2, 3 order by 1, 2, 3
      on conflict (meter_id, bucket, status) do update set
        calls = r.calls + excluded.calls,
        units = r.units + excluded.units,
        total_us = r.total_us + excluded.total_us
    )
    select count(*) as counted from counted`.execute(trx)
  return rows[0]?.counted ?? 0
}

/** What the segment holds of each day, whether or not it was counted before. */
export async function insertSegmentDays(
  trx: Trx,
  segmentId: number,
  records: readonly JournalRecord[],
): Promise<void> {
  const days = [...groupByDay(records)].map(([day, group]) => ({
    segment_id: segmentId,
    day,
    records: group.length,
    units: group.reduce((sum, record) => sum + record.units, 0),
  }))
  if (days.length > 0) await trx.insertInto('metering.segment_day').values(days).execute()
}

/** Lists the records of this segment that another one, or an earlier place in this one, had already brought. */
export async function listDuplicates(
  trx: Trx,
  segmentId: number,
  records: readonly JournalRecord[],
): Promise<void> {
  const { rows } = await sql<{ position: number }>`
    select position from metering.exchange where segment_id = ${segmentId}
      and day = any(${[...groupByDay(records).keys()]}::date[])`.execute(trx)
  const counted = new Set(rows.map((row) => row.position))
  const duplicates = records.filter((record) => !counted.has(record.index))
  await sql`
    insert into metering.duplicate (segment_id, exchange_id, position, day, units)
    select ${segmentId}, * from unnest(
      ${arrayLiteral(duplicates.map((r) => r.id))}::text[],
      ${arrayLiteral(duplicates.map((r) => r.index))}::int[],
      ${arrayLiteral(duplicates.map((r) => utcDay(r.at)))}::date[],
      ${arrayLiteral(duplicates.map((r) => r.units))}::int[])`.execute(trx)
  await trx
    .updateTable('metering.segment')
    .set({ duplicates: duplicates.length })
    .where('id', '=', segmentId)
    .execute()
}

export async function advanceWatermark(
  trx: Trx,
  name: SegmentName,
  through: Date,
  now: Date,
): Promise<void> {
  await sql`
    insert into metering.watermark as w (environment, gateway_id, through, seen_at)
    values (${name.environment}, ${name.gatewayId}, ${through}, ${now})
    on conflict (environment, gateway_id) do update set
      through = greatest(w.through, excluded.through), seen_at = greatest(w.seen_at, excluded.seen_at)`.execute(
    trx,
  )
}

export async function insertQuarantine(
  db: Db,
  name: SegmentName,
  content: { sha256: string; reason: string; body: Buffer },
): Promise<void> {
  await db
    .insertInto('metering.quarantine')
    .values({
      environment: name.environment,
      gateway_id: name.gatewayId,
      boot: name.boot,
      sequence: name.sequence,
      ...content,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
