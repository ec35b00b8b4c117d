import type { Transaction } from 'kysely'
import { AppError } from '#platform/app-error'
import { lockFor } from '#platform/database'
import { hasGlassToBreak, isEnforcedFor } from './identity-provider.ts'
import { orderMail } from './mail-events.ts'
import type { Identifying } from './needs.ts'
import { deleteRecoveryCodes, issueRecoveryCodes } from './recovery-codes.ts'
import { deleteOtherSessions, hasSession, staleSessionsOf } from './session-store.ts'
import { type Account, findAccount, keepPerson } from './store.ts'
import type { IdentityTables } from './tables.ts'
import { unauthenticated } from './unauthenticated.ts'

type Trx = Transaction<IdentityTables>

/** Whether the operator wants a second factor of this person before anything else. Members decide for themselves. */
export const owesSecondFactor = (
  { config }: Pick<Identifying, 'config'>,
  account: Pick<Account, 'kind'>,
): boolean => account.kind === 'operator' && config.staffSecondFactor === 'require'

/** Somebody with a second factor has shown it, or its identity provider is trusted to have asked for one. */
export const hasShownFactor = (
  account: Pick<Account, 'has_second_factor'>,
  session: { methods: readonly string[] } | undefined,
): boolean => account.has_second_factor || session?.methods.includes('provider-factor') === true

const lockPerson = async (trx: Trx, personId: string): Promise<Account | undefined> => {
  await lockFor(trx, `identity.factors.${personId}`)
  return (await keepPerson(trx, personId)) ? await findAccount(trx, personId) : undefined
}

/** One change of factors at a time for each person: two must not remove the last two at once. */
export async function lockFactors(trx: Trx, personId: string): Promise<Account> {
  const account = await lockPerson(trx, personId)
  if (account === undefined) throw new AppError('NOT_FOUND', 'There is no such person.')
  return account
}

/**
 * For what somebody adds by which it gets in later: the session that asks for it must not have ended meanwhile, by a new
 * password for instance, or what was added would outlive it.
 * @throws AppError UNAUTHENTICATED
 */
export async function lockBySession(
  trx: Trx,
  { personId, id }: { personId: string; id: string },
): Promise<Account> {
  const account = await lockPerson(trx, personId)
  if (account === undefined || !(await hasSession(trx, personId, id))) throw unauthenticated()
  return account
}

/**
 * What was proved was proved of the account as it was then. A new password, and factors that came or went, end what was
 * begun before them as they end sessions.
 * @returns the account as it is
 * @throws AppError UNAUTHENTICATED
 */
export async function lockAsProved(
  trx: Trx,
  proved: Pick<Account, 'id' | 'password_hash' | 'has_second_factor'>,
): Promise<Account> {
  const account = await lockPerson(trx, proved.id)
  if (
    account?.password_hash !== proved.password_hash ||
    account.has_second_factor !== proved.has_second_factor
  )
    throw justChanged()
  return account
}

export const justChanged = (): AppError =>
  new AppError('UNAUTHENTICATED', 'This account has just changed: begin again.')

/**
 * What follows from a new factor: what other sessions have proved without it counts no longer. The first one ends them,
 * since a password was enough for them, and it brings recovery codes.
 * @param account as it was before
 * @param sessionId of whoever adds it
 * @returns the codes, to be shown once
 */
export async function afterFactorAdded(
  identifying: Identifying,
  trx: Trx,
  account: Account,
  sessionId: string,
): Promise<string[] | undefined> {
  await staleSessionsOf(trx, account.id)
  if (account.has_second_factor) return undefined
  await deleteOtherSessions(trx, account.id, sessionId)
  return await issueRecoveryCodes(identifying, trx, account.id)
}

/**
 * What follows from a factor that is gone: without any, recovery codes would be for nothing.
 * @throws AppError INCOMPATIBLE_STATE when it was the last one of somebody who must have one
 */
export async function afterFactorRemoved(
  identifying: Identifying,
  trx: Trx,
  personId: string,
): Promise<void> {
  await staleSessionsOf(trx, personId)
  const account = await findAccount(trx, personId)
  if (account === undefined || account.has_second_factor) return
  if (owesSecondFactor(identifying, account)) {
    throw new AppError(
      'INCOMPATIBLE_STATE',
      'This is your last second factor, and the operator asks its staff for one: add another first.',
    )
  }
  if (hasGlassToBreak(account) && (await isEnforcedFor({ ...identifying, db: trx }, account))) {
    throw new AppError(
      'INCOMPATIBLE_STATE',
      'This is your last second factor, and by it you get in when single sign-on is out of order: add another first.',
    )
  }
  await deleteRecoveryCodes(trx, personId)
}

/** Tells the person, at the address that whoever made the change may not be able to read. */
export async function tellPerson(
  identifying: Identifying,
  trx: Trx,
  personId: string,
  what: { subject: string; happened: string },
): Promise<void> {
  const { operatorName, portal } = identifying.config
  await orderMail(identifying, trx, {
    kind: 'notice',
    personId,
    subject: `${what.subject} at ${operatorName}`,
    text: `${what.happened}

If it was not you, set a new password at once, which ends all sessions: ${portal.url}/recovery
Then look at how you sign in, under Security, and remove what is not yours.`,
  })
}
