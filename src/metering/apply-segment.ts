import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'
import { type ExchangeLog, KeysDestroyed, type PreparedExchanges } from '#audit'
import { type JournalRecord, type ReadSegment, readSegmentInTurns } from '#journal'
import type { Environment } from '#platform/config'
import { isConflict } from '#platform/database'
import type { Platform } from '#platform/module'
import type { oneAtATime } from '#platform/one-at-a-time'
import { faultOf } from './check-records.ts'
import { countRecords } from './count-records.ts'
import type { ExchangeDays } from './exchange-days.ts'
import type { Meters } from './meters.ts'
import type { PriceCopies } from './price-copies.ts'
import {
  advanceWatermark,
  findSegment,
  insertQuarantine,
  insertSegment,
  insertSegmentDays,
  listDuplicates,
  type SegmentName,
} from './segment-store.ts'
import type { MeteringTables } from './tables.ts'
import { tellConsentUses } from './tell-consent-uses.ts'
import { groupByDay } from './utc-day.ts'

/** Whose segment it is and what its bytes hash to, as the sender says. @public */
export type SegmentClaim = { gatewayId: string; boot: string; sequence: number; sha256: string }

/**
 * What became of a segment. `refused` leaves no trace but a log line and asks the sender to come again; `quarantined`
 * is kept and settled: somebody has to decide.
 * @public
 */
export type IntakeResult =
  | { outcome: 'applied'; records: number; duplicates: number }
  | { outcome: 'known' }
  | { outcome: 'quarantined'; reason: string }
  | { outcome: 'refused'; why: 'damaged' | 'environment'; reason: string }

export type Intake = Pick<Platform, 'clock' | 'log' | 'outbox'> & {
  db: Kysely<MeteringTables>
  days: ExchangeDays
  meters: Meters
  prices: PriceCopies
  /** makes the calls about people evidence */
  evidence: ExchangeLog
  /**
   * What keeps this process busy is done for one segment at a time, while the database is busy with the one before: of two
   * that share the processor neither would come to the database.
   */
  inTurn: ReturnType<typeof oneAtATime>
}

/**
 * Counts a segment exactly once, however often and by however many it is sent: its name is taken, its records and sums
 * are written, and all of it is committed together or not at all.
 * @param environment the one that the sender proved to speak for
 */
export async function applySegment(
  intake: Intake,
  environment: Environment,
  claim: SegmentClaim,
  bytes: Buffer,
): Promise<IntakeResult> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== claim.sha256)
    return { outcome: 'refused', why: 'damaged', reason: 'the body is not what was hashed' }
  const name: SegmentName = {
    environment,
    gatewayId: claim.gatewayId,
    boot: claim.boot,
    sequence: claim.sequence,
  }
  const known = await findSegment(intake.db, name)
  if (known?.sha256 === sha256) return { outcome: 'known' }
  const segment = await intake.inTurn(() => readSegmentInTurns(bytes))
  const foreign =
    segment.header !== undefined && segment.header.environment !== environment
      ? segment.header
      : segment.records.find((record) => record.environment !== environment)
  if (foreign !== undefined) {
    intake.log.error(
      { ...claim, environment, claimed: foreign.environment },
      'a gateway sent records of another environment; nothing of it was counted',
    )
    return {
      outcome: 'refused',
      why: 'environment',
      reason: `a segment with ${foreign.environment} records was shown with a ${environment} token`,
    }
  }
  const quarantine = (reason: string) => setAside(intake, name, sha256, reason, bytes)
  if (known !== undefined) return await quarantine(otherContent)
  if (!segment.ok) return await quarantine(segment.fault)
  const { header, records } = segment
  if (
    header.gatewayId !== claim.gatewayId ||
    header.boot !== claim.boot ||
    header.sequence !== claim.sequence
  )
    return await quarantine('the segment was sent under another name than its own')
  const fault = faultOf(records, intake.clock.now().getTime())
  if (fault !== undefined) return await quarantine(fault)

  await intake.days.ensure(groupByDay(records).keys())
  await intake.prices.ensure(pricesOf(records))
  const meterIds = await intake.meters.of(records)
  const result = await retried(async () => {
    const evidence = await intake.inTurn(() =>
      intake.evidence.prepare({ ...name, sha256 }, records),
    )
    return await count(intake, name, sha256, { ...segment, evidence, meterIds })
  })
  if (result !== 'taken') return result
  const first = await findSegment(intake.db, name)
  return first?.sha256 === sha256 ? { outcome: 'known' } : await quarantine(otherContent)
}

const otherContent = 'another segment of this name was counted: a copied disk or a restored backup'

async function count(
  { db, clock, outbox, evidence: exchangeLog }: Intake,
  name: SegmentName,
  sha256: string,
  segment: Extract<ReadSegment, { ok: true }> & {
    evidence: PreparedExchanges | undefined
    meterIds: readonly number[]
  },
): Promise<IntakeResult | 'taken'> {
  const { records, footer, evidence, meterIds } = segment
  return await db.transaction().execute(async (trx) => {
    const segmentId = await insertSegment(trx, name, sha256, footer)
    if (segmentId === undefined) return 'taken'
    if (evidence !== undefined) await exchangeLog.write(trx, evidence)
    const duplicates = await countRecords(trx, segmentId, name.environment, records, meterIds)
    await listDuplicates(trx, segmentId, duplicates)
    await insertSegmentDays(trx, segmentId, records)
    await tellConsentUses(outbox, trx, name, records)
    await advanceWatermark(trx, name, new Date(footer.sealedAt), clock.now())
    if (evidence !== undefined) await exchangeLog.append(trx, evidence)
    const counted = records.length - duplicates.length
    return { outcome: 'applied', records: counted, duplicates: duplicates.length }
  })
}

function pricesOf(records: readonly JournalRecord[]): Set<string> {
  const prices = new Set<string>()
  for (const { priceId } of records) if (priceId !== undefined) prices.add(priceId)
  return prices
}

async function setAside(
  { db, log }: Intake,
  name: SegmentName,
  sha256: string,
  reason: string,
  body: Buffer,
): Promise<IntakeResult> {
  await insertQuarantine(db, name, { sha256, reason, body })
  log.error(
    { ...name, sha256, reason },
    'a journal segment is in quarantine: its calls are not counted until somebody decides',
  )
  return { outcome: 'quarantined', reason }
}

/**
 * Two segments that bring the same exchange may wait for each other; PostgreSQL then ends one, which tries again. So does
 * one whose keys were destroyed by an erasure meanwhile.
 */
async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const again = error instanceof KeysDestroyed || isConflict(error)
      if (attempt >= 5 || !again) throw error
    }
  }
}
