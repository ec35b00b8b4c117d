import type { Environment } from '#platform/config'

/** One subscriber, one application, one purpose, and the scopes that it asks for. @public */
export type ConsentQuestion = {
  environment: Environment
  /** the subscriber's pseudonym in this environment, as `subjectOf` makes it; never a number */
  subject: string
  applicationId: string
  /** `dpv:FraudPreventionAndDetection` */
  purpose: string
  scopes: readonly string[]
}

/** Why a subscriber's will stands against it. @public */
export type RefusalReason = 'denied' | 'withdrawn' | 'objected'

/** @public */
export type ConsentDecision =
  /** the live consents that it rests on; empty when no scope needs one */
  | { status: 'granted'; consentIds: readonly string[] }
  /** consent may be captured for these scopes: there is none yet, or it ended */
  | { status: 'required'; scopes: readonly string[] }
  | { status: 'refused'; reason: RefusalReason }
  /** no published API has these scopes, or its product does not allow them for the purpose */
  | { status: 'not-allowed'; scopes: readonly string[] }

/** @public */
export type CaptureChannel = 'authorization' | 'ciba' | 'capture-url'

/** @public */
export type CaptureRequest = ConsentQuestion & {
  channel: CaptureChannel
  /** the caller's wish, best first: `ui_locales`, then what the browser asks for */
  locales: readonly string[]
  /** kept with the capture and given back by `openCapture`; sealed by the caller, for its own use */
  sealedNumber?: string
  /** what the caller finds its own state by, such as an interaction or an `auth_req_id` */
  reference: string
  expiresAt: Date
  /** where the page leads after the answer; a registered address of the application, checked by the caller */
  returnTo?: string
}

/** What a subscriber is told, in one language. Plain text: whoever shows it escapes it. @public */
export type Notice = {
  locale: string
  title: string
  /** who asks, in one sentence */
  who: string
  /** what it asks for, one line for each scope */
  what: readonly { scope: string; label: string }[]
  /** why: the purpose in a word and in plain sentences */
  why: { purpose: string; label: string; explanation: string }
  /** how long it would hold */
  howLong: string
  /** how it is taken back */
  withdrawal: string
  allow: string
  refuse: string
}

/** An open question to a subscriber. @public */
export type CaptureQuestion = ConsentQuestion & {
  captureId: string
  channel: CaptureChannel
  application: { id: string; name: string }
  partner: { id: string; name: string }
  reference: string
  sealedNumber?: string
  returnTo?: string
  expiresAt: Date
}

/** The same, in words. @public */
export type CaptureView = CaptureQuestion & {
  notice: Notice
  /** SHA-256 of the notice as it is kept, base64url: goes back with the answer */
  textHash: string
  /** the languages that the notice can be shown in */
  locales: readonly string[]
}

/** How an answer was given. @public */
export type AnswerEvidence = {
  /** how the subscriber was known: `network`, `sms-link`, `handset-prompt`, `one-time-code` */
  method: string
  /** of the notice that was on the page */
  textHash: string
  locale: string
}

/** Who changes a consent. A subscriber changes its own only. @public */
export type ConsentChanger =
  | { kind: 'subscriber'; subject: string; channel: string; method: string }
  | { kind: 'operator'; id: string; channel: string; reason?: string }
  | { kind: 'system'; channel: string; reason: string }

/** @public */
export type ConsentState =
  | 'PENDING'
  | 'REQUESTED'
  | 'GRANTED'
  | 'DENIED'
  | 'WITHDRAWN'
  | 'EXPIRED'
  | 'OBJECTED'

/** @public */
export type ConsentRecord = {
  id: string
  environment: Environment
  subject: string
  applicationId: string
  applicationName: string
  partnerId: string
  partnerName: string
  purpose: string
  scopes: readonly string[]
  basis: 'consent' | 'legitimate-interest'
  state: ConsentState
  createdAt: Date
  /** when it came to its state */
  changedAt: Date
  grantedAt: Date | undefined
  /** of a consent that was granted; undefined: it holds until it is withdrawn */
  expiresAt: Date | undefined
  /** the last call that was answered on it, to a minute */
  lastUsedAt: Date | undefined
  /** of the notice that was shown when it was answered */
  textHash: string | undefined
  locale: string | undefined
}

/** The questions and answers of consent, for the processes that act on it. @public */
export interface ConsentDirectory {
  /** Changes nothing. `openid` and `offline_access` name no data and are passed over. */
  decide(question: ConsentQuestion): Promise<ConsentDecision>
  /**
   * Opens a question to the subscriber, for the scopes that need one.
   * @returns a one-time secret for the link; only its hash is kept
   * @throws CaptureRefused when there is nothing to ask, the subscriber said no, or was asked too often
   */
  beginCapture(request: CaptureRequest): Promise<{ captureId: string; token: string }>
  /** Changes and notes nothing. @returns undefined for a token that is unknown, used up or expired, all alike */
  findCapture(token: string): Promise<CaptureQuestion | undefined>
  /** A question that is over without an answer. Changes and notes nothing. */
  findMissed(token: string): Promise<MissedCapture | undefined>
  /**
   * To be called when the words are shown: keeps that they were. It changes no consent, since programs open links, too.
   * @param locales overrides those of the request, best first: the page's language switch
   * @returns undefined as `findCapture`
   */
  openCapture(token: string, locales?: readonly string[]): Promise<CaptureView | undefined>
  /**
   * To be called when a question has reached its subscriber, which opening its link does not show.
   * @param how for the history: `a message with its link was sent`
   */
  noteReached(token: string, how: string): Promise<void>
  /**
   * Once: of any number of simultaneous answers one counts, and the others throw CaptureRefused (`answered`).
   * The last answer of a subscriber stands, also when two questions about the same were open.
   */
  answerCapture(
    token: string,
    answer: 'allow' | 'refuse',
    evidence: AnswerEvidence,
  ): Promise<ConsentDecision>
  /** Ends a consent, or lifts an objection. Doing it again changes nothing. @throws AppError NOT_FOUND */
  withdraw(environment: Environment, consentId: string, by: ConsentChanger): Promise<void>
  /** Objects to a processing on legitimate interest: of one application for one purpose. @returns its id */
  object(question: ConsentQuestion, by: ConsentChanger): Promise<string>
  /** Everything of one subscriber, the latest change first. */
  listOf(environment: Environment, subject: string): Promise<ConsentRecord[]>
}

/** A question that nobody can answer any more, and for a day where it leads back to. @public */
export type MissedCapture = {
  environment: Environment
  back?: { applicationName: string; returnTo: string }
}

/** Why a question could not be opened or answered. @public */
export class CaptureRefused extends Error {
  readonly reason:
    | 'nothing-to-ask'
    | 'not-allowed'
    | RefusalReason
    | 'too-often'
    | 'answered'
    | 'other-text'

  constructor(reason: CaptureRefused['reason'], message: string) {
    super(message)
    this.name = 'CaptureRefused'
    this.reason = reason
  }
}
