export {
  createSnapshotCompiler,
  type SnapshotCompiler,
  type SnapshotSources,
} from './compile-snapshot.ts'
export {
  type ConsentAnswer,
  type ConsentRegister,
  createConsentRegister,
} from './consent-register.ts'
export { snapshotEraser } from './erase-subject.ts'
export { followSnapshot, type SnapshotFollower } from './follow-snapshot.ts'
export { operatorRoutes as snapshotRoutes } from './operator-routes.ts'
export { createRevocations, sweepRevocations } from './revocations.ts'
export type * from './schema.ts'
export { readPublishedRevisions, sweepTombstones } from './store.ts'
