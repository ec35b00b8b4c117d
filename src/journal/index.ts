export { diskFiles, type JournalFiles } from './journal-files.ts'
export { listSegments, type SegmentFile } from './list-segments.ts'
export {
  type Appended,
  type Journal,
  type JournalOptions,
  type NewRecord,
  openJournal,
} from './open-journal.ts'
export { reasons } from './reasons.ts'
export type { JournalRecord } from './record.ts'
export { recordedRules, rulesOf } from './recorded-rules.ts'
export {
  type ReadSegment,
  readSegment,
  readSegmentInTurns,
  type SegmentFooter,
  type SegmentHeader,
} from './segment.ts'
