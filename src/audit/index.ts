export type { Actor } from './actor.ts'
export { createAudit } from './create-audit.ts'
export { recordAction } from './record-action.ts'
