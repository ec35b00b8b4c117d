export type { IntakeResult, SegmentClaim } from './apply-segment.ts'
export { createMetering, type Metering } from './create-metering.ts'
export type { Finding, ReconciledDay, Reconciliation } from './reconciliation.ts'
export type { Usage } from './schema.ts'
