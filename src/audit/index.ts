export type { Actor } from './actor.ts'
export { recordEvidence } from './append-evidence.ts'
export { type CheckpointSink, fileSink } from './checkpoint-sink.ts'
export { ContradictionError, SinkError } from './checkpoints.ts'
export { createAudit } from './create-audit.ts'
export { createForgetting, type Forgetting } from './create-forgetting.ts'
export type { EvidenceName } from './dossier.ts'
export type {
  ExchangeEvidence,
  ExchangeFacts,
  Json,
  NewEvidence,
  Opened,
  SegmentOrigin,
  SingleEvidence,
  Subject,
} from './evidence.ts'
export type { EvidenceState, SinkState } from './evidence-state.ts'
export type { DescribeExchange, ExchangeContext } from './exchange-context.ts'
export { createExchangeLog, type ExchangeLog, type PreparedExchanges } from './exchange-log.ts'
export type { ExportPeriod } from './export-period.ts'
export { httpSink } from './http-sink.ts'
export { sealedColumns } from './log-key.ts'
export { recordAction } from './record-action.ts'
export { KeysDestroyed } from './subject-keys.ts'
export { markOfSubject } from './subject-mark.ts'
export { syslogSink } from './syslog-sink.ts'
export { Refused, readCheckpointFile, tellPath } from './verify.mjs'
