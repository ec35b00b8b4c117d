import { AppError } from '#platform/app-error'
import { lockAsProved } from './factor-rules.ts'
import {
  hashLike,
  hashPassword,
  isOutdated,
  saltOfAddress,
  verifyPassword,
} from './hash-password.ts'
import { refuseLocalSignIn } from './identity-provider.ts'
import type { Origin } from './limits.ts'
import type { Identifying } from './needs.ts'
import type { SecondFactorNeeded, SignIn } from './schema.ts'
import { secondFactorsOf } from './second-factor.ts'
import { type Account, findAccount, findClaim, findHolder, replacePassword } from './store.ts'
import { issueTicket } from './ticket-store.ts'

export const normalEmail = (email: string): string => email.trim().toLowerCase()

type SignedIn = { account: Account } | { needed: SecondFactorNeeded }

/**
 * Who may be meant by an address: whoever has confirmed it, and of those who opened an account with it and have not the
 * one that this browser knows, or else the newest.
 */
async function accountsMeant(
  { db, device }: Identifying,
  email: string,
  { cookies }: Origin,
): Promise<readonly [Account | undefined, Account | undefined]> {
  const id = device.personOf(cookies)
  const [holder, known, newest] = await Promise.all([
    findHolder(db, email),
    id === undefined ? undefined : findClaim(db, email, { id }),
    findClaim(db, email),
  ])
  return [holder, known ?? newest]
}

/** The password as it is stored for everybody who claims an address, so one hash finds whose it is. */
async function claimWith(
  { db }: Identifying,
  email: string,
  password: string,
  claim: Account | undefined,
): Promise<Account | undefined> {
  const passwordHash = await hashLike(password, claim?.password_hash)
  const found = await findClaim(db, email, { passwordHash })
  return claim?.password_hash === passwordHash ? claim : found
}

/**
 * Checks an e-mail address and a password. Whether the account exists, its password is wrong or there is none changes
 * neither the answer nor the work that it takes: two hashes are made each time, because an account that was just
 * opened must open again whether or not its address had one before, and whoever else claims it. Somebody who has a second factor is not signed in
 * by that.
 * @throws AppError UNAUTHENTICATED; TOO_MANY_REQUESTS
 */
export async function signIn(
  identifying: Identifying,
  input: SignIn,
  from: Origin,
): Promise<SignedIn> {
  const { limiter } = identifying
  await limiter.byAddress('signInByAddress', from.ip)
  const email = normalEmail(input.email)
  const [holder, claim] = await accountsMeant(identifying, email, from)
  const personIds = [holder?.id, claim?.id]
  const guess = await limiter.guess('password', email, { ...from, personIds })
  const isMeant = (one: Account | undefined) => one !== undefined && guess.isAt(one.id)
  const [isHolder, claimed] = await Promise.all([
    verifyPassword(input.password, isMeant(holder) ? holder?.password_hash : undefined),
    claimWith(identifying, email, input.password, claim),
  ])
  const account = isHolder ? holder : isMeant(claimed) ? claimed : undefined
  if (account === undefined) {
    throw notRight()
  }
  await guess.wasRight()
  await refuseLocalSignIn(identifying, account)
  return await goOn(identifying, await renewed(identifying, account, input.password))
}

async function goOn(identifying: Identifying, account: Account): Promise<SignedIn> {
  const { db } = identifying
  if (account.has_second_factor) {
    const { ticket, expiresAt } = await db.transaction().execute(async (trx) => {
      await lockAsProved(trx, account)
      return await issueTicket(identifying, trx, account.id)
    })
    const methods = await secondFactorsOf(db, account.id)
    return { needed: { ticket, methods, expiresAt: expiresAt.toISOString() } }
  }
  return { account }
}

/** With the hash that is made today, where the account has one of former days. */
async function renewed(
  identifying: Identifying,
  account: Account,
  password: string,
): Promise<Account> {
  const { db } = identifying
  const salt = saltFor(identifying, account)
  if (!isOutdated(account.password_hash, salt)) return account
  const password_hash = await hashPassword(password, salt)
  if (await replacePassword(db, account, password_hash)) return { ...account, password_hash }
  // It was renewed, or is another password, since we looked.
  const now = await findAccount(db, account.id)
  if (now === undefined || !(await verifyPassword(password, now.password_hash))) throw notRight()
  return now
}

const notRight = (): AppError =>
  new AppError('UNAUTHENTICATED', 'The e-mail address or the password is not right.')

const saltFor = ({ sealing }: Identifying, account: Account) =>
  account.email_verified_at === null ? saltOfAddress(sealing, account.email) : undefined

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
