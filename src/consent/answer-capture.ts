import { lockSubject, tokenHash } from './begin-capture.ts'
import { findOpenCapture, takeCapture, wasShown } from './capture-store.ts'
import { addConsent, changeConsent } from './change-consent.ts'
import { basesOf, decideOn } from './decide.ts'
import type { ChangeEvidence } from './evidence-of-change.ts'
import {
  type AnswerEvidence,
  CaptureRefused,
  type ConsentDecision,
  type ConsentQuestion,
} from './face.ts'
import { livingConsent } from './living-consent.ts'
import type { Consenting, Trx } from './needs.ts'
import { expiryOf } from './rules.ts'
import { findConsent } from './search-store.ts'
import { holdConsent, recordsAbout } from './store.ts'
import type { CaptureRow, ConsentRow } from './tables.ts'

/** Once, whole or not at all: the answer, its history and its event are one transaction. */
export async function answerCapture(
  consenting: Consenting,
  token: string,
  answer: 'allow' | 'refuse',
  evidence: AnswerEvidence,
): Promise<ConsentDecision> {
  const [hash, now] = [tokenHash(token), consenting.clock.now()]
  const { application, bases } = await askOthers(consenting, hash, now)
  return await consenting.db.transaction().execute(async (trx) => {
    const open = await findOpenCapture(trx, hash, now)
    // The subscriber before the question: so does who erases them, and neither waits for the other in turn.
    if (open !== undefined) await lockSubject(trx, open)
    const capture = await takeCapture(trx, hash, answer, now)
    if (capture === undefined) throw isAnswered()
    if (!(await wasShown(trx, capture.id, evidence)))
      throw new CaptureRefused('other-text', 'The answer names a text that was not on the page.')
    const asked = await holdConsent(trx, capture.environment, capture.consent_id)
    if (asked === undefined) throw new Error(`the capture ${capture.id} has no consent`)
    const question: ConsentQuestion = {
      environment: capture.environment,
      subject: capture.subject,
      applicationId: capture.application_id,
      purpose: asked.purpose,
      scopes: asked.scopes,
    }
    const how: ChangeEvidence = {
      by_kind: 'subscriber',
      channel: capture.channel,
      method: evidence.method,
      capture_id: capture.id,
      text_hash: evidence.textHash,
      locale: evidence.locale,
    }
    const living = await livingConsent(consenting, trx, question)
    if (answer === 'allow') {
      const about = { capture, application, question, living, asked, how }
      await allow(consenting, trx, about)
    } else await refuse(consenting, trx, { question, living, asked, how })
    return await decideOn(consenting, question, bases, trx)
  })
}

const isAnswered = (): CaptureRefused =>
  new CaptureRefused('answered', 'This question was answered, or is no longer open.')

/** What other modules say of a question. What is asked, and by whom, never changes; the rest is looked at in the transaction. */
async function askOthers(consenting: Consenting, hash: string, now: Date) {
  const capture = await findOpenCapture(consenting.db, hash, now)
  if (capture === undefined) throw isAnswered()
  const consent = await findConsent(consenting.db, capture.consent_id)
  // Its subscriber was erased at this moment.
  if (consent === undefined) throw isAnswered()
  const { environment, purpose, scopes } = consent
  const [application, bases] = await Promise.all([
    consenting.partners.getApplication(capture.application_id),
    basesOf(consenting, { environment, purpose, scopes }),
  ])
  return { application, bases }
}

async function allow(
  consenting: Consenting,
  trx: Trx,
  about: {
    capture: CaptureRow
    application: Awaited<ReturnType<Consenting['partners']['getApplication']>>
    question: ConsentQuestion
    living: ConsentRow | undefined
    asked: ConsentRow
    how: ChangeEvidence
  },
): Promise<void> {
  const { capture, application, living, how } = about
  if (application === undefined)
    throw new CaptureRefused('answered', 'The application that asked is gone.')
  const expiresAt = expiryOf(consenting.clock.now(), capture.expires_after_days ?? undefined)
  if (living === undefined) {
    // Another page said no meanwhile. This answer is the later one, and a no is not turned into a yes: it is a new one.
    const begun = { ...about.question, application, basis: 'consent', state: 'GRANTED' } as const
    await addConsent(consenting, trx, { ...begun, expiresAt }, how)
  } else if (living.state !== 'GRANTED') {
    await changeConsent(consenting, trx, living, 'GRANTED', { ...how, expiresAt })
  }
}

async function refuse(
  consenting: Consenting,
  trx: Trx,
  about: {
    question: ConsentQuestion
    living: ConsentRow | undefined
    asked: ConsentRow
    how: ChangeEvidence
  },
): Promise<void> {
  const { question, living, how } = about
  if (living !== undefined && living.state !== 'GRANTED')
    await changeConsent(consenting, trx, living, 'DENIED', how)
  // What another page allowed meanwhile is taken back, also together with more: data that was refused must not be given.
  const now = consenting.clock.now()
  for (const { id, basis, state, expires_at: until } of await recordsAbout(trx, question)) {
    if (basis !== 'consent' || state !== 'GRANTED' || (until !== null && until <= now)) continue
    const row = await holdConsent(trx, question.environment, id)
    if (row?.state === 'GRANTED') await changeConsent(consenting, trx, row, 'WITHDRAWN', how)
  }
}
