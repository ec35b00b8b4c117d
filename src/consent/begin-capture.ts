import { createHash, randomBytes } from 'node:crypto'
import { AppError } from '#platform/app-error'
import { endIfStalled, lockFor } from '#platform/database'
import { addCapture, countCaptures } from './capture-store.ts'
import { addConsent } from './change-consent.ts'
import { type AskedScope, basesOf, decideOn } from './decide.ts'
import { CaptureRefused, type CaptureRequest, type ConsentQuestion } from './face.ts'
import { livingConsent } from './living-consent.ts'
import type { Consenting, Trx } from './needs.ts'
import { captureLimits, captureWindowStart } from './rules.ts'

export const tokenHash = (token: string): string =>
  createHash('sha256').update(token).digest('base64url')

/**
 * Whoever changes anything of a subscriber goes after another, so that limits and answers are exact. A withdrawal does
 * not wait for a process that hangs.
 */
export async function lockSubject(
  trx: Trx,
  { environment, subject }: Pick<ConsentQuestion, 'environment' | 'subject'>,
): Promise<void> {
  await endIfStalled(trx)
  await lockFor(trx, `consent ${environment} ${subject}`)
}

/** Opens a question for the scopes that need one, or says why not. */
export async function beginCapture(
  consenting: Consenting,
  request: CaptureRequest,
  random: (size: number) => Buffer = randomBytes,
): Promise<{ captureId: string; token: string }> {
  const application = await consenting.partners.getApplication(request.applicationId)
  if (application?.environment !== request.environment)
    throw new AppError('NOT_FOUND', 'There is no such application.')
  const bases = await basesOf(consenting, request)
  // 256 bits: whoever has it may answer, and nobody finds it by trying.
  const token = random(32).toString('base64url')
  const captureId = consenting.newId('capture')
  await consenting.db.transaction().execute(async (trx) => {
    await lockSubject(trx, request)
    const scopes = await scopesToAsk(consenting, request, bases, trx)
    const question = { ...request, scopes }
    await refuseTooOften(consenting, request, trx)
    const consent =
      (await livingConsent(consenting, trx, question)) ??
      (await addConsent(
        consenting,
        trx,
        { ...question, application, basis: 'consent', state: 'PENDING' },
        { by_kind: 'partner', channel: request.channel, capture_id: captureId },
      ))
    const days = bases
      .filter(({ scope }) => scopes.includes(scope))
      .flatMap(({ expiresAfterDays }) => expiresAfterDays ?? [])
    await addCapture(trx, {
      id: captureId,
      token_hash: tokenHash(token),
      consent_id: consent.id,
      environment: request.environment,
      subject: request.subject,
      application_id: request.applicationId,
      purpose: request.purpose,
      channel: request.channel,
      locales: request.locales.slice(0, 20),
      expires_after_days: days.length === 0 ? null : Math.min(...days),
      sealed_number: request.sealedNumber ?? null,
      reference: request.reference,
      return_to: request.returnTo ?? null,
      created_at: consenting.clock.now(),
      expires_at: request.expiresAt,
      answered_at: null,
      answer: null,
    })
  })
  return { captureId, token }
}

async function scopesToAsk(
  consenting: Consenting,
  request: CaptureRequest,
  bases: readonly AskedScope[],
  trx: Trx,
): Promise<readonly string[]> {
  const decision = await decideOn(consenting, request, bases, trx)
  switch (decision.status) {
    case 'required':
      return decision.scopes
    case 'granted':
      throw new CaptureRefused('nothing-to-ask', 'There is nothing that needs a consent.')
    case 'refused':
      throw new CaptureRefused(decision.reason, `The subscriber has ${decision.reason} this.`)
    case 'not-allowed':
      throw new CaptureRefused(
        'not-allowed',
        `${decision.scopes.join(', ')}: not offered for ${request.purpose}.`,
      )
  }
}

async function refuseTooOften(
  consenting: Consenting,
  request: CaptureRequest,
  trx: Trx,
): Promise<void> {
  const { environment, channel } = request
  const since = captureWindowStart(environment, consenting.clock.now())
  const asked = await countCaptures(trx, request, since)
  // A seeded subscriber of the sandbox is everybody's: one partner's tests are not another one's limit.
  const shared = environment === 'sandbox'
  if (
    asked.ofApplication >= captureLimits.ofApplication[channel] ||
    (!shared && asked.ofSubscriber >= captureLimits.ofSubscriber[channel])
  )
    throw new CaptureRefused('too-often', 'This subscriber was asked too often; try again later.')
}
