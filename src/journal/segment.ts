import { hash } from 'node:crypto'
import { runAtOnce, runInTurns } from '#platform/in-turns'
import { decodeLine, encodeLine } from './line.ts'
import type { JournalRecord } from './record.ts'

/**
 * What a segment is: the first line of its file.
 * @public
 */
export type SegmentHeader = {
  format: 1
  gatewayId: string
  environment: 'sandbox' | 'production'
  /** one start of one gateway: time-ordered, then random */
  boot: string
  /** from 0, without gaps within a boot */
  sequence: number
  openedAt: number
}

/**
 * What a segment holds: its last line, written once, when it is sealed.
 * @public
 */
export type SegmentFooter = {
  count: number
  /** what all its records bill together */
  units: number
  /** SHA-256, in hex, of every byte before the footer */
  sha256: string
  /** SHA-256 of the whole file of the segment before, in the same boot; null for the first one */
  previous: string | null
  /** what was counted and not recorded one by one: anonymous refusals above the bound, by status */
  counters: Readonly<Record<string, number>>
  sealedAt: number
  /** whether the segment was sealed by a later start, because its own process was killed */
  recovered: boolean
}

/** @public */
export type ReadSegment =
  | {
      ok: true
      header: SegmentHeader
      records: JournalRecord[]
      footer: SegmentFooter
      /** SHA-256 of the whole file: what `x-wayleave-sha256` says and the next segment chains to */
      sha256: string
    }
  | {
      ok: false
      /** why the bytes cannot be trusted, for the log */
      fault: string
      header: SegmentHeader | undefined
      /** the sound records before the fault */
      records: JournalRecord[]
      /** how many bytes from the start are sound */
      soundBytes: number
    }

/** SHA-256 in hex. */
export const sha256 = (bytes: Buffer): string => hash('sha256', bytes, 'hex')

export const encodeHeader = (header: SegmentHeader): string =>
  encodeLine('H', JSON.stringify(header))

export const encodeFooter = (footer: SegmentFooter): string =>
  encodeLine('F', JSON.stringify(footer))

/**
 * Verifies a segment whole: each line's checksum, the numbering, the footer's count, units and hash, and that nothing
 * follows the footer. The caller compares header and hash with what the sender said they are.
 * @public
 */
export const readSegment = (bytes: Buffer): ReadSegment => runAtOnce(readingSegment(bytes))

/**
 * `readSegment` beside other work of the process.
 * @public
 */
export const readSegmentInTurns = (bytes: Buffer): Promise<ReadSegment> =>
  runInTurns(readingSegment(bytes))

const recordsAtOnce = 250

function* readingSegment(bytes: Buffer): Generator<void, ReadSegment> {
  const records: JournalRecord[] = []
  let units = 0
  const first = decodeLine(bytes, 0)
  const header = first?.kind === 'H' ? headerOf(first.value) : undefined
  let position = header === undefined || first === undefined ? 0 : first.end
  const fault = (text: string): ReadSegment => ({
    ok: false,
    fault: text,
    header,
    records,
    soundBytes: position,
  })
  if (header === undefined) return fault('the first line is not a sound header')
  while (position < bytes.length) {
    const line = decodeLine(bytes, position)
    if (line === undefined) return fault(`the line at byte ${position} is torn or altered`)
    if (line.kind === 'F') {
      const footer = footerOf(line.value)
      if (footer === undefined) return fault('the footer is incomplete')
      if (line.end !== bytes.length) return fault('bytes follow the footer')
      if (footer.count !== records.length)
        return fault(`the footer counts ${footer.count} records; there are ${records.length}`)
      if (footer.units !== units)
        return fault(`the footer counts ${footer.units} units; the records have ${units}`)
      if (footer.sha256 !== sha256(bytes.subarray(0, position)))
        return fault('the records are not the ones that were sealed')
      return { ok: true, header, records, footer, sha256: sha256(bytes) }
    }
    const record = line.kind === 'R' ? recordOf(line.value) : undefined
    if (record === undefined || record.index !== records.length)
      return fault(`record ${records.length} at byte ${position} is out of order or incomplete`)
    records.push(record)
    units += record.units
    position = line.end
    if (records.length % recordsAtOnce === 0) yield
  }
  return fault('there is no footer: the segment is not sealed')
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function headerOf(value: unknown): SegmentHeader | undefined {
  if (!isObject(value) || value.format !== 1) return undefined
  const { gatewayId, boot, sequence, environment } = value
  const sound =
    typeof gatewayId === 'string' &&
    typeof boot === 'string' &&
    Number.isSafeInteger(sequence) &&
    (environment === 'sandbox' || environment === 'production')
  return sound ? (value as SegmentHeader) : undefined
}

function footerOf(value: unknown): SegmentFooter | undefined {
  if (!isObject(value) || typeof value.sha256 !== 'string') return undefined
  const { count, units, previous, counters, sealedAt, recovered } = value
  const sound =
    Number.isSafeInteger(count) &&
    Number.isSafeInteger(units) &&
    (previous === null || (typeof previous === 'string' && hexOfSha256.test(previous))) &&
    isObject(counters) &&
    Object.entries(counters).every(
      ([name, n]) => /^[\w:-]{1,64}$/.test(name) && Number.isSafeInteger(n),
    ) &&
    isMoment(sealedAt) &&
    typeof recovered === 'boolean'
  return sound ? (value as SegmentFooter) : undefined
}

const hexOfSha256 = /^[0-9a-f]{64}$/

/** What a Date can hold, not before 1970. */
const isMoment = (value: unknown): boolean =>
  typeof value === 'number' && new Date(value).getTime() >= 0

/** The crc says that a gateway wrote it; this says that what the intake counts by is there. */
function recordOf(value: unknown): JournalRecord | undefined {
  if (!isObject(value)) return undefined
  const sound =
    typeof value.id === 'string' &&
    Number.isSafeInteger(value.index) &&
    Number.isSafeInteger(value.at) &&
    Number.isInteger(value.status) &&
    (value.units === 0 || value.units === 1)
  return sound ? (value as JournalRecord) : undefined
}
