import type { Transaction } from 'kysely'
import { AppError } from '#platform/app-error'
import { digitsOf } from './enrol-totp.ts'
import { tellPerson } from './factor-rules.ts'
import { refuseLocalSignIn } from './identity-provider.ts'
import type { Origin } from './limits.ts'
import type { Identifying } from './needs.ts'
import { countRecoveryCodes, takeRecoveryCode } from './recovery-codes.ts'
import type { SecondFactor } from './schema.ts'
import type { SignInMethod } from './start-session.ts'
import { type Account, findAccount } from './store.ts'
import type { FromProvider, IdentityTables } from './tables.ts'
import { consumeTicket, isLastTry, tryTicket } from './ticket-store.ts'
import { takeTotpCode } from './totp-store.ts'

type Trx = Transaction<IdentityTables>

export type Completed = {
  account: Account
  methods: readonly SignInMethod[]
  /** when an identity provider began it */
  from: (FromProvider & { provedAt: Date }) | undefined
}

/**
 * Completes a sign-in whose password was right, or that an identity provider began.
 * @throws AppError UNAUTHENTICATED for a wrong code or a ticket that is used up; TOO_MANY_REQUESTS
 */
export async function completeSignIn(
  identifying: Identifying,
  input: SecondFactor,
  from: Origin,
): Promise<Completed> {
  const { db, limiter, clock } = identifying
  await limiter.byAddress('secondFactorByAddress', from.ip)
  const found = await tryTicket(identifying, input.ticket)
  const account = found && (await findAccount(db, found.person_id))
  if (found === undefined || account === undefined) throw beginAgain()
  // A recovery code has 80 bits: nobody guesses it, and strangers who guess codes must not stand in its way.
  const guess =
    input.method === 'totp'
      ? await limiter.guess('code', account.id, { ...from, personIds: [account.id] })
      : undefined
  const completed = await db.transaction().execute(async (trx) => {
    if (!(await takeCode(identifying, trx, account.id, input))) return undefined
    const ticket = await consumeTicket(identifying, trx, input.ticket)
    if (ticket === undefined) throw beginAgain()
    const from = ticket.provider ?? undefined
    // It may have been enforced, or somebody no owner any more, since the password was right.
    if (from === undefined) await refuseLocalSignIn({ ...identifying, db: trx }, account)
    const methods = [from === undefined ? 'password' : 'sso', input.method] as const
    return { account, methods, from: from && { ...from, provedAt: clock.now() } }
  })
  if (completed !== undefined) {
    await guess?.wasRight()
    return completed
  }
  if (isLastTry(found.attempts)) await tellOfGuesses(identifying, account)
  throw new AppError(
    'UNAUTHENTICATED',
    input.method === 'totp'
      ? 'The code is not right, or was used already: wait for the next one.'
      : 'The recovery code is not right, or was used already.',
  )
}

const beginAgain = (): AppError =>
  new AppError('UNAUTHENTICATED', 'This sign-in has ended: begin again with your password.')

/** Takes a code of either kind, once; a recovery code that is used is told to its owner. */
export async function takeCode(
  identifying: Identifying,
  trx: Trx,
  personId: string,
  { method, code }: { method: 'totp' | 'recovery-code'; code: string },
): Promise<boolean> {
  if (method === 'totp') return await takeTotpCode(identifying, trx, personId, digitsOf(code))
  if (!(await takeRecoveryCode(identifying, trx, personId, code))) return false
  const left = await countRecoveryCodes(trx, personId)
  await tellPerson(identifying, trx, personId, {
    subject: 'A recovery code was used',
    happened: `A recovery code of your account was just used; ${left} ${left === 1 ? 'is' : 'are'} left.`,
  })
  return true
}

/** Whoever gets here knows the password, so its owner must hear of it; once a day is enough. */
async function tellOfGuesses(identifying: Identifying, account: Account): Promise<void> {
  const { db, limiter } = identifying
  if (!(await limiter.isFree('guessNoticeByPerson', account.id))) return
  await db.transaction().execute((trx) =>
    tellPerson(identifying, trx, account.id, {
      subject: 'Somebody who knows your password could not sign in',
      happened:
        'Somebody typed your password rightly and then a wrong code, several times. The sign-in was refused.',
    }),
  )
}
