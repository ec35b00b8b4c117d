import { recordAction } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { afterFactorAdded, lockBySession, lockFactors, tellPerson } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import type { TotpEnrolment } from './schema.ts'
import { actorOf } from './sign-in.ts'
import { newTotpSecret, stepOfCode, totpCard } from './totp-code.ts'
import { findEnrolment, putEnrolment, putTotp } from './totp-store.ts'

/** A new secret for an authenticator app. It counts for nothing until a code has confirmed it. */
export async function beginTotp(
  identifying: Identifying,
  personId: string,
): Promise<TotpEnrolment> {
  const secret = newTotpSecret()
  const { account, expiresAt } = await identifying.db.transaction().execute(async (trx) => ({
    account: await lockFactors(trx, personId),
    expiresAt: await putEnrolment(identifying, trx, personId, secret),
  }))
  const card = totpCard(secret, { issuer: identifying.config.operatorName, label: account.email })
  return { secret, ...card, expiresAt: expiresAt.toISOString() }
}

/**
 * Takes the app into use; the one before it, if any, ends.
 * @returns recovery codes with the first second factor
 * @throws AppError INVALID_ARGUMENT for a wrong code; INCOMPATIBLE_STATE without an open enrolment; TOO_MANY_REQUESTS
 */
export async function confirmTotp(
  identifying: Identifying,
  { personId, id: sessionId }: { personId: string; id: string },
  typed: string,
): Promise<string[] | undefined> {
  const { db, outbox, clock, limiter } = identifying
  await limiter.by('enrolmentCodeByPerson', personId)
  return await db.transaction().execute(async (trx) => {
    const account = await lockBySession(trx, { personId, id: sessionId })
    const secret = await findEnrolment(identifying, trx, personId)
    if (secret === undefined)
      throw new AppError(
        'INCOMPATIBLE_STATE',
        'The secret has expired or was confirmed: begin again.',
      )
    const step = stepOfCode(secret, digitsOf(typed), clock.now())
    if (step === undefined) throw wrongCode()
    await putTotp(identifying, trx, { personId, secret, step })
    const recoveryCodes = await afterFactorAdded(identifying, trx, account, sessionId)
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'totp.enrolled',
      target: personId,
    })
    await tellPerson(identifying, trx, personId, {
      subject: 'An authenticator app was added to your account',
      happened:
        'An authenticator app was just set up for your account. Signing in with the password now asks for a code of it.',
    })
    return recoveryCodes
  })
}

/** Without the spaces that people type between the groups. */
export const digitsOf = (typed: string): string => typed.replace(/[\s-]/g, '')

const wrongCode = (): AppError =>
  invalidArgument([
    {
      path: '/code',
      message:
        'is not the code that the app shows now; check that the clock of the device is right',
    },
  ])
