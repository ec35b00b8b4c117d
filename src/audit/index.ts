export type { Actor, Via } from './actor.ts'
export { type Audit, createAudit } from './create-audit.ts'
export { type Action, type DetailValue, recordAction } from './record-action.ts'
export type { ChainHead, ChainReport } from './verify-chain.ts'
