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
  duplicates: readonly JournalRecord[],
): Promise<void> {
  if (duplicates.length === 0) return
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
