import { lockSubject, tokenHash } from './begin-capture.ts'
import { findMissedCapture, findOpenCapture, noteShown } from './capture-store.ts'
import { changeConsent } from './change-consent.ts'
import { chooseLocale } from './choose-locale.ts'
import type { CaptureQuestion, CaptureView, MissedCapture } from './face.ts'
import { fallbackLocale } from './language-text.ts'
import type { Consenting } from './needs.ts'
import { holdConsent } from './store.ts'
import type { CaptureRow } from './tables.ts'
import { currentTexts, keepNotice } from './text-store.ts'
import { writeNotice } from './write-notice.ts'

/** Whom a question is from and about. Nothing is noted: this is asked before anything is shown, and by programs. */
export async function findCapture(
  consenting: Consenting,
  token: string,
): Promise<CaptureQuestion | undefined> {
  return (await findQuestion(consenting, token))?.question
}

/** A partner's page is told of it when its link is opened: not for ever, since addresses change hands. */
const leadsBackForMs = 24 * 60 * 60_000

export async function findMissed(
  { db, clock, partners }: Consenting,
  token: string,
): Promise<MissedCapture | undefined> {
  const now = clock.now()
  const capture = await findMissedCapture(db, tokenHash(token), now)
  if (capture === undefined) return undefined
  const { environment, return_to: returnTo, expires_at: at } = capture
  const recent = now.getTime() - at.getTime() < leadsBackForMs
  if (returnTo === null || !recent) return { environment }
  const application = await partners.getApplication(capture.application_id)
  if (application === undefined) return { environment }
  return { environment, back: { applicationName: application.name, returnTo } }
}

/** Shows a question: keeps the words that are shown, and that they were. The consent stays in its state. */
export async function openCapture(
  consenting: Consenting,
  token: string,
  wishes: readonly string[] = [],
): Promise<CaptureView | undefined> {
  const { db, clock } = consenting
  const found = await findQuestion(consenting, token)
  if (found === undefined) return undefined
  const { capture, question } = found
  const texts = await currentTexts(db)
  const locale = chooseLocale([...wishes, ...capture.locales], [...texts.keys()], fallbackLocale)
  const text = texts.get(locale)
  if (text === undefined) throw new Error(`there is no text in ${locale}`)
  const at = clock.now()
  const notice = writeNotice(text, {
    applicationName: question.application.name,
    partnerName: question.partner.name,
    purpose: question.purpose,
    scopes: question.scopes,
    expiresAfterDays: capture.expires_after_days ?? undefined,
  })
  const textHash = await db.transaction().execute(async (trx) => {
    const hash = await keepNotice(trx, notice, at)
    await noteShown(trx, { captureId: capture.id, textHash: hash, locale, at })
    return hash
  })
  return { ...question, notice, textHash, locales: [...texts.keys()].toSorted() }
}

/** The question reached its subscriber: a message was sent, or whoever opened it has shown to be the subscriber. */
export async function noteReached(
  consenting: Consenting,
  token: string,
  how: string,
): Promise<void> {
  const { db, clock } = consenting
  const capture = await findOpenCapture(db, tokenHash(token), clock.now())
  if (capture === undefined) return
  await db.transaction().execute(async (trx) => {
    await lockSubject(trx, capture)
    const row = await holdConsent(trx, capture.environment, capture.consent_id)
    if (row?.state !== 'PENDING') return
    await changeConsent(consenting, trx, row, 'REQUESTED', {
      by_kind: 'system',
      channel: capture.channel,
      reason: how,
      capture_id: capture.id,
    })
  })
}

async function findQuestion(
  { db, clock, partners }: Consenting,
  token: string,
): Promise<{ capture: CaptureRow; question: CaptureQuestion } | undefined> {
  const capture = await findOpenCapture(db, tokenHash(token), clock.now())
  if (capture === undefined) return undefined
  const application = await partners.getApplication(capture.application_id)
  if (application === undefined) return undefined
  const { purpose, scopes } = await db
    .selectFrom('consent.consent')
    .select(['purpose', 'scopes'])
    .where('id', '=', capture.consent_id)
    .executeTakeFirstOrThrow()
  const question: CaptureQuestion = {
    captureId: capture.id,
    environment: capture.environment,
    subject: capture.subject,
    applicationId: capture.application_id,
    purpose,
    scopes,
    channel: capture.channel,
    application: { id: application.id, name: application.name },
    partner: { id: application.partnerId, name: application.partnerName },
    reference: capture.reference,
    ...(capture.sealed_number === null ? {} : { sealedNumber: capture.sealed_number }),
    ...(capture.return_to === null ? {} : { returnTo: capture.return_to }),
    expiresAt: capture.expires_at,
  }
  return { capture, question }
}
