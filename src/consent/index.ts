export { localesOf } from './choose-locale.ts'
export { consentRecords } from './consent-records.ts'
export { type Consent, createConsent } from './create-consent.ts'
export { createConsentDirectory } from './create-directory.ts'
export { consentEraser } from './erase-subject.ts'
export {
  type AnswerEvidence,
  type CaptureChannel,
  type CaptureQuestion,
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
export { createOwnRecords } from './own-records.ts'
export type { ConsentInfoNeeds } from './retrieve-status.ts'
export { createHttpSms, type SmsSender } from './send-sms.ts'
export { openNumber, sealNumber, subjectOf } from './subject.ts'
