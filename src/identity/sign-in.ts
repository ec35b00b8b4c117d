import type { Transaction } from 'kysely'
import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { hashPassword, verifyPassword } from './hash-password.ts'
import { refuseLocalSignIn } from './identity-provider.ts'
import type { Origin } from './limits.ts'
import type { Identifying } from './needs.ts'
import type { SecondFactorNeeded, SignIn } from './schema.ts'
import { secondFactorsOf } from './second-factor.ts'
import { deleteEndedSessions } from './session-store.ts'
import type { SignInMethod } from './start-session.ts'
import { type Account, findClaims, findHolder, noteSignIn, setPassword } from './store.ts'
import type { IdentityTables } from './tables.ts'
import { issueTicket } from './ticket-store.ts'

export const normalEmail = (email: string): string => email.trim().toLowerCase()

type SignedIn = { account: Account } | { needed: SecondFactorNeeded }

/**
 * Who may be meant by an address: whoever has confirmed it, and one of those who opened an account with it and have not,
 * the one that this browser knows, or else the newest.
 */
async function accountsMeant(
  { db, device }: Identifying,
  email: string,
  { cookies }: Origin,
): Promise<readonly [Account | undefined, Account | undefined]> {
  const [holder, claims] = await Promise.all([findHolder(db, email), findClaims(db, email)])
  const known = claims.find(({ id }) => device.read(cookies, id) !== undefined)
  return [holder, known ?? claims[0]]
}

/**
 * Checks an e-mail address and a password. Whether the account exists, its password is wrong or there is none changes
 * neither the answer nor the work that it takes: two passwords are compared each time, because an account that was just
 * opened must open again whether or not its address had one before. Somebody who has a second factor is not signed in
 * by that.
 * @throws AppError UNAUTHENTICATED; TOO_MANY_REQUESTS
 */
export async function signIn(
  identifying: Identifying,
  input: SignIn,
  from: Origin,
): Promise<SignedIn> {
  const { db, limiter } = identifying
  await limiter.byAddress('signInByAddress', from.ip)
  const email = normalEmail(input.email)
  const meant = await accountsMeant(identifying, email, from)
  const guess = await limiter.guess('password', email, {
    ...from,
    personIds: meant.map((one) => one?.id),
  })
  const found = await Promise.all(
    meant.map(async (account) => ({
      account,
      ...(await verifyPassword(
        input.password,
        guess.isAt(account?.id) ? account?.password_hash : undefined,
      )),
    })),
  )
  const { account, outdated } = found.find(({ matches }) => matches) ?? {}
  if (account === undefined) {
    throw new AppError('UNAUTHENTICATED', 'The e-mail address or the password is not right.')
  }
  await guess.wasRight()
  await refuseLocalSignIn(identifying, account)
  const renewed = outdated === true ? await hashPassword(input.password) : undefined
  if (account.has_second_factor) {
    if (renewed !== undefined) await setPassword(db, account.id, renewed)
    const { ticket, expiresAt } = await issueTicket(identifying, account.id)
    const methods = await secondFactorsOf(db, account.id)
    return { needed: { ticket, methods, expiresAt: expiresAt.toISOString() } }
  }
  await db.transaction().execute(async (trx) => {
    if (renewed !== undefined) await setPassword(trx, account.id, renewed)
    await noteStart(identifying, trx, account, ['password'])
  })
  return { account }
}

/** What is written when somebody has signed in, by whatever way. */
export async function noteStart(
  { outbox, clock }: Identifying,
  trx: Transaction<IdentityTables>,
  account: Account,
  methods: readonly SignInMethod[],
): Promise<void> {
  const now = clock.now()
  await noteSignIn(trx, account.id, now)
  await deleteEndedSessions(trx, now)
  await recordAction(outbox, trx, {
    actor: actorOf(account),
    action: 'session.started',
    target: account.id,
    detail: { methods },
  })
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
