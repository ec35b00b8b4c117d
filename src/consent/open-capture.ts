import { lockSubject, tokenHash } from './begin-capture.ts'
import { findOpenCapture, noteShown } from './capture-store.ts'
import { changeConsent } from './change-consent.ts'
import { chooseLocale } from './choose-locale.ts'
import type { CaptureView } from './face.ts'
import { fallbackLocale } from './language-text.ts'
import type { Consenting } from './needs.ts'
import { holdConsent } from './store.ts'
import { currentTexts, keepNotice } from './text-store.ts'
import { writeNotice } from './write-notice.ts'

/** Shows a question: keeps the words that are shown, and that they were. */
export async function openCapture(
  consenting: Consenting,
  token: string,
  wishes: readonly string[] = [],
): Promise<CaptureView | undefined> {
  const { db, clock, partners } = consenting
  const capture = await findOpenCapture(db, tokenHash(token), clock.now())
  if (capture === undefined) return undefined
  const application = await partners.getApplication(capture.application_id)
  if (application === undefined) return undefined
  const texts = await currentTexts(db)
  const locale = chooseLocale([...wishes, ...capture.locales], [...texts.keys()], fallbackLocale)
  const text = texts.get(locale)
  if (text === undefined) throw new Error(`there is no text in ${locale}`)
  return await db.transaction().execute(async (trx) => {
    await lockSubject(trx, capture)
    const row = await holdConsent(trx, capture.environment, capture.consent_id)
    if (row === undefined) throw new Error(`the capture ${capture.id} has no consent`)
    const at = clock.now()
    const notice = writeNotice(text, {
      applicationName: application.name,
      partnerName: application.partnerName,
      purpose: row.purpose,
      scopes: row.scopes,
      expiresAfterDays: capture.expires_after_days ?? undefined,
    })
    const textHash = await keepNotice(trx, notice, at)
    await noteShown(trx, { captureId: capture.id, textHash, locale, at })
    if (row.state === 'PENDING') {
      // Who opened a link is not known before an answer: evidence must not say that it was the subscriber.
      await changeConsent(consenting, trx, row, 'REQUESTED', {
        by_kind: 'system',
        channel: capture.channel,
        reason: 'its page was opened',
        capture_id: capture.id,
        text_hash: textHash,
        locale,
      })
    }
    return {
      captureId: capture.id,
      environment: capture.environment,
      subject: capture.subject,
      applicationId: capture.application_id,
      purpose: row.purpose,
      scopes: row.scopes,
      channel: capture.channel,
      application: { id: application.id, name: application.name },
      partner: { id: application.partnerId, name: application.partnerName },
      notice,
      textHash,
      locales: [...texts.keys()].toSorted(),
      reference: capture.reference,
      ...(capture.sealed_number === null ? {} : { sealedNumber: capture.sealed_number }),
      ...(capture.return_to === null ? {} : { returnTo: capture.return_to }),
      expiresAt: capture.expires_at,
    }
  })
}
