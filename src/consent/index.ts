export { chooseLocale, localesOf } from './choose-locale.ts'
export { createConsentDirectory } from './create-directory.ts'
export {
  type AnswerEvidence,
  type CaptureChannel,
  CaptureRefused,
  type CaptureRequest,
  type CaptureView,
  type ConsentChanger,
  type ConsentDecision,
  type ConsentDirectory,
  type ConsentQuestion,
  type ConsentRecord,
  type ConsentState,
  type Notice,
} from './face.ts'
export type { ConsentNeeds } from './needs.ts'
export { openNumber, sealNumber, subjectOf } from './subject.ts'
