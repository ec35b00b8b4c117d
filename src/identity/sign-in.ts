import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { hashPassword, verifyPassword } from './hash-password.ts'
import type { Identifying } from './needs.ts'
import type { SignIn } from './schema.ts'
import { deleteEndedSessions } from './session-store.ts'
import { type Account, findAccountByEmail, noteSignIn, setPassword } from './store.ts'

export const normalEmail = (email: string): string => email.trim().toLowerCase()

/**
 * Checks an e-mail address and a password. Whether the account exists, its password is wrong or there is none changes
 * neither the answer nor the work that it takes.
 * @throws AppError UNAUTHENTICATED; TOO_MANY_REQUESTS
 */
export async function signIn(
  identifying: Identifying,
  input: SignIn,
  ip: string,
): Promise<Account> {
  const { db, limiter, outbox, clock } = identifying
  await limiter.byAddress('signInByAddress', ip)
  const email = normalEmail(input.email)
  const account = await findAccountByEmail(db, email)
  // Counted since the last success, so that somebody who knows the password is never locked out by signing in often.
  const since = account?.last_sign_in_at?.getTime() ?? 0
  await limiter.by('signInByEmail', `${email} ${since}`)
  const { matches, outdated } = await verifyPassword(input.password, account?.password_hash)
  if (account === undefined || !matches) {
    throw new AppError('UNAUTHENTICATED', 'The e-mail address or the password is not right.')
  }
  const renewed = outdated ? await hashPassword(input.password) : undefined
  await db.transaction().execute(async (trx) => {
    const now = clock.now()
    await noteSignIn(trx, account.id, now)
    await deleteEndedSessions(trx, now)
    if (renewed !== undefined) await setPassword(trx, account.id, renewed)
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'session.started',
      target: account.id,
    })
  })
  return account
}

/** The actor that this account is, when it acts in a browser. */
export const actorOf = (account: Account) =>
  account.kind === 'operator'
    ? ({
        kind: 'operator',
        id: account.id,
        name: account.name,
        role: account.role,
        via: 'session',
      } as const)
    : ({
        kind: 'partner',
        id: account.id,
        name: account.name,
        partnerId: account.partner_id,
        role: account.role,
        via: 'session',
      } as const)
