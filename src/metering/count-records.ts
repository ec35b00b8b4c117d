import { sql, type Transaction } from 'kysely'
import type { JournalRecord } from '#journal'
import { arrayLiteral } from '#platform/array-literal'
import type { Environment } from '#platform/config'
import { copyLine, copyRows } from '#platform/copy-rows'
import { isUniqueViolation } from '#platform/database'
import { mapInTurns } from '#platform/in-turns'
import type { MeteringTables } from './tables.ts'
import { groupByDay, utcDay } from './utc-day.ts'

type Trx = Transaction<MeteringTables>

/** Records, and the number of the meter of each. */
type Metered = { records: readonly JournalRecord[]; meterIds: readonly number[] }

type Legal = NonNullable<JournalRecord['legal']>

const bucketMs = 15 * 60_000
const mostAttempts = 10

/**
 * Writes the records of a segment down and adds to the sums what was not counted before.
 * @param meterIds the meter of each record
 * @returns those that had been counted before, by another segment or an earlier place in this one
 */
export async function countRecords(
  trx: Trx,
  segmentId: number,
  environment: Environment,
  records: readonly JournalRecord[],
  meterIds: readonly number[],
): Promise<JournalRecord[]> {
  let fresh: Metered = { records, meterIds }
  for (let attempt = 1; ; attempt += 1) {
    await sql`savepoint records`.execute(trx)
    try {
      await copyRows(trx, target, await linesOf(segmentId, environment, fresh))
      break
    } catch (error) {
      if (!isUniqueViolation(error) || attempt === mostAttempts) throw error
      // Seldom: only then it is asked what is there. Another segment may still bring one of the others meanwhile.
      await sql`rollback to savepoint records`.execute(trx)
      fresh = await notCounted(trx, environment, fresh)
    }
  }
  await addSums(trx, fresh)
  if (fresh.records.length === records.length) return []
  const counted = new Set(fresh.records)
  return records.filter((record) => !counted.has(record))
}

const microseconds = (ms: number): number => Math.round(ms * 1000)

const target = `metering.exchange (id, correlator, partner_id, code, refused_by, at, segment_id, total_us, upstream_us,
  request_bytes, response_bytes, day, environment, meter_id, position, units, status, upstream_status, tier, credential,
  bound, upstream, trace_id, reason, subject, idempotency, masked, stripped, undocumented, legal)`

/** In the order of `target`. */
const linesOf = (
  segmentId: number,
  environment: Environment,
  { records, meterIds }: Metered,
): Promise<string[]> =>
  mapInTurns(records, (record, i) => {
    const at = new Date(record.at).toISOString()
    const { upstreamMs, masked, legal } = record
    return copyLine([
      record.id,
      record.correlator,
      record.partnerId ?? '',
      record.code,
      record.refusedBy,
      at,
      segmentId,
      microseconds(record.totalMs),
      upstreamMs === undefined ? undefined : microseconds(upstreamMs),
      record.requestBytes,
      record.responseBytes,
      at.slice(0, 10),
      environment,
      meterIds[i],
      record.index,
      record.units,
      record.status,
      record.upstreamStatus,
      record.tier,
      record.credential,
      record.bound,
      record.upstream,
      record.traceId,
      record.reason,
      record.subject,
      record.idempotency,
      masked === undefined ? undefined : JSON.stringify(masked),
      record.stripped,
      record.undocumented,
      legal === undefined ? undefined : legalOf(legal),
    ])
  })

/** Only what was checked: whatever else a gateway says there would stay when its subscriber is erased. */
const legalOf = ({ basis, purpose, scopes, consents, grant }: Legal): string =>
  JSON.stringify({ basis, purpose, scopes, consents, grant })

/** Without what is there already, or came before in the same list. */
async function notCounted(
  trx: Trx,
  environment: Environment,
  { records, meterIds }: Metered,
): Promise<Metered> {
  const days = [...groupByDay(records).keys()]
  const { rows } = await sql<{ id: string; day: string }>`
    select id, day::text as day from metering.exchange
    where id = any(${arrayLiteral(records.map(({ id }) => id))}::text[])
      and environment = ${environment}::metering.environment and day = any(${days}::date[])`.execute(
    trx,
  )
  const known = new Set(rows.map(({ id, day }) => `${day} ${id}`))
  const isNew = records.map(({ id, at }) => known.size < known.add(`${utcDay(at)} ${id}`).size)
  return {
    records: records.filter((_, i) => isNew[i]),
    meterIds: meterIds.filter((_, i) => isNew[i]),
  }
}

type Sum = {
  meterId: number
  bucket: number
  status: number
  calls: number
  units: number
  totalUs: number
}

/** Of each meter, quarter hour and status. */
function sumsOf({ records, meterIds }: Metered): Sum[] {
  const byMeter = new Map<number, Map<number, Sum>>()
  for (const [i, { at, status, units, totalMs }] of records.entries()) {
    const meterId = meterIds[i] ?? 0
    const bucket = Math.floor(at / bucketMs)
    const key = bucket * 1000 + status
    const sums = byMeter.get(meterId) ?? new Map<number, Sum>()
    const sum = sums.get(key) ?? { meterId, bucket, status, calls: 0, units: 0, totalUs: 0 }
    if (sum.calls === 0) byMeter.set(meterId, sums.set(key, sum))
    sum.calls += 1
    sum.units += units
    sum.totalUs += microseconds(totalMs)
  }
  return [...byMeter.values()].flatMap((sums) => [...sums.values()])
}

async function addSums(trx: Trx, counted: Metered): Promise<void> {
  const sums = sumsOf(counted)
  if (sums.length === 0) return
  const column = (value: (sum: Sum) => number): string => arrayLiteral(sums.map(value))
  await sql`
    insert into metering.rollup as r (meter_id, bucket, status, calls, units, total_us)
    select meter_id, to_timestamp(bucket::bigint * ${bucketMs / 1000}), status, calls, units, total_us
    from unnest(
      ${column((one) => one.meterId)}::int[], ${column((one) => one.bucket)}::int[], ${column((one) => one.status)}::smallint[],
      ${column((one) => one.calls)}::bigint[], ${column((one) => one.units)}::bigint[], ${column((one) => one.totalUs)}::bigint[]
    ) as one (meter_id, bucket, status, calls, units, total_us)
    -- Ordered, so that two segments that meet in the same sums wait for each other in the same order.
    order by 1, 2, 3
    on conflict (meter_id, bucket, status) do update set
      calls = r.calls + excluded.calls,
      units = r.units + excluded.units,
      total_us = r.total_us + excluded.total_us`.execute(trx)
}
