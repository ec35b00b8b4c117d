import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Transaction } from 'kysely'
import { type JournalRecord, readSegment, type SegmentFile } from '#journal'
import {
  appliedSegment,
  droppedDays,
  duplicatePositions,
  type RawRecord,
  rawRecords,
} from './reconcile-store.ts'
import type { Finding } from './reconciliation.ts'
import type { MeteringTables } from './tables.ts'
import { groupByDay } from './utc-day.ts'

export type JournalFindings = {
  faults: Finding[]
  waiting: Finding[]
  /** records on this disk that were counted, by `environment day` */
  records: Map<string, number>
}

/**
 * Compares the segments on the disk with what was counted.
 * @param files as they were listed before the database was looked at: what was shipped by then must be counted
 */
export async function reconcileJournal(
  trx: Transaction<MeteringTables>,
  files: readonly SegmentFile[],
): Promise<JournalFindings> {
  const found: JournalFindings = { faults: [], waiting: [], records: new Map() }
  const dropped = await droppedDays(trx)
  for (const file of files) await reconcileFile(trx, file, dropped, found)
  return found
}

async function reconcileFile(
  trx: Transaction<MeteringTables>,
  file: SegmentFile,
  dropped: ReadonlySet<string>,
  found: JournalFindings,
): Promise<void> {
  const where = `segment ${file.sequence} of ${file.gatewayId} ${file.boot}`
  const bytes = await contentOf(file)
  // Gone meanwhile: a shipped file past its retention.
  if (bytes === undefined) return
  const segment = readSegment(bytes)
  if (!segment.ok) {
    const open = file.place === 'waiting' && !bytes.subarray(segment.soundBytes).includes(0x0a)
    if (open)
      found.waiting.push({ kind: 'open', where, detail: `${segment.records.length} records` })
    else found.faults.push({ kind: 'journal', where, detail: segment.fault })
    return
  }
  const { header, records } = segment
  if (
    header.gatewayId !== file.gatewayId ||
    header.boot !== file.boot ||
    header.sequence !== file.sequence
  ) {
    found.faults.push({ kind: 'journal', where, detail: 'the file holds another segment' })
    return
  }
  // The database lists what is in quarantine, with the reason.
  if (file.place === 'quarantine') return
  const applied = await appliedSegment(trx, header)
  if (applied === undefined) {
    if (file.place === 'waiting')
      found.waiting.push({ kind: 'unshipped', where, detail: `${records.length} records` })
    else
      found.faults.push({
        kind: 'missing',
        where,
        detail: `${records.length} records were acknowledged and are not in the database`,
      })
    return
  }
  if (applied.sha256 !== segment.sha256) {
    found.faults.push({
      kind: 'journal',
      where,
      detail: 'the file is not the one that was counted',
    })
    return
  }
  await compareRecords(trx, applied.id, where, records, dropped, found)
}

async function contentOf(file: SegmentFile): Promise<Buffer | undefined> {
  // A file moves once, when it is acknowledged or refused.
  const home = path.join(path.dirname(file.path), '..')
  const moved = ['shipped', 'quarantine'].map((place) =>
    path.join(home, place, file.boot, path.basename(file.path)),
  )
  for (const candidate of [file.path, ...moved]) {
    try {
      return await readFile(candidate)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
  return undefined
}

async function compareRecords(
  trx: Transaction<MeteringTables>,
  segmentId: number,
  where: string,
  all: readonly JournalRecord[],
  dropped: ReadonlySet<string>,
  found: JournalFindings,
): Promise<void> {
  const days = new Map([...groupByDay(all)].filter(([day]) => !dropped.has(day)))
  const [stored, duplicates] = await Promise.all([
    rawRecords(trx, segmentId, [...days.keys()]),
    duplicatePositions(trx, segmentId),
  ])
  const missing: string[] = []
  const different: string[] = []
  for (const [day, records] of days) {
    for (const record of records) {
      if (duplicates.has(record.index)) continue
      const row = stored.get(record.index)
      if (row === undefined) missing.push(record.id)
      else if (!same(record, row)) different.push(record.id)
      const key = `${record.environment} ${day}`
      found.records.set(key, (found.records.get(key) ?? 0) + 1)
    }
  }
  for (const [ids, detail] of [
    [missing, 'records of the journal are not in the database'],
    [different, 'records in the database differ from the journal'],
  ] as const) {
    if (ids.length > 0)
      found.faults.push({
        kind: 'records',
        where,
        detail: `${ids.length} ${detail}, first ${ids[0]}`,
      })
  }
}

const same = (record: JournalRecord, row: RawRecord): boolean =>
  record.id === row.id &&
  record.correlator === row.correlator &&
  record.at === row.at_ms &&
  record.environment === row.environment &&
  (record.partnerId ?? '') === row.partner_id &&
  (record.applicationId ?? '') === row.application_id &&
  (record.credentialId ?? '') === row.credential_id &&
  (record.contractId ?? '') === row.contract_id &&
  (record.apiId ?? '') === row.api_id &&
  (record.operationId ?? '') === row.operation_id &&
  (record.priceId ?? '') === row.price_id &&
  record.method === row.method &&
  record.status === row.status &&
  (record.code ?? null) === row.code &&
  (record.refusedBy ?? null) === row.refused_by &&
  record.units === row.units &&
  Math.round(record.totalMs * 1000) === row.total_us
