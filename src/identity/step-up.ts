import { AppError, invalidArgument } from '#platform/app-error'
import { checkPasskey } from './check-passkey.ts'
import { takeCode } from './complete-sign-in.ts'
import { verifyPassword } from './hash-password.ts'
import { findProvider } from './identity-provider.ts'
import type { Identifying } from './needs.ts'
import type { StepUp, StepUpMethod } from './schema.ts'
import { secondFactorsOf } from './second-factor.ts'
import { type Account, findAccount } from './store.ts'

/**
 * What this person can prove itself by. A password is enough only for somebody who has nothing better, and whoever came
 * from an identity provider proves itself there.
 */
async function stepUpMethods(
  identifying: Identifying,
  account: Account,
  providerOwner: string | undefined,
): Promise<StepUpMethod[]> {
  const provider = providerOwner && (await findProvider(identifying, providerOwner))
  const factors = account.has_second_factor ? await secondFactorsOf(identifying.db, account.id) : []
  if (provider)
    return provider.secondFactor === 'local' && factors.length > 0 ? factors : ['sso', ...factors]
  return factors.length > 0 ? factors : ['password']
}

/** @throws AppError NOT_FOUND when the person has left */
export async function stepUpMethodsOf(
  identifying: Identifying,
  { personId, providerOwner }: { personId: string; providerOwner: string | undefined },
): Promise<StepUpMethod[]> {
  const account = await findAccount(identifying.db, personId)
  if (account === undefined) throw new AppError('NOT_FOUND', 'There is no such person.')
  return await stepUpMethods(identifying, account, providerOwner)
}

/**
 * Proves again that the person is there.
 * @returns whose proof it is
 * @throws AppError INVALID_ARGUMENT with what is missing or wrong; PERMISSION_DENIED; TOO_MANY_REQUESTS
 */
export async function stepUp(
  identifying: Identifying,
  who: { personId: string; sessionId: string; providerOwner: string | undefined },
  input: StepUp,
): Promise<Account> {
  const { db, limiter } = identifying
  // By session: whoever stole one must not keep its owner, in another, from anything.
  await limiter.by('stepUpBySession', who.sessionId)
  const account = await findAccount(db, who.personId)
  if (account === undefined) throw new AppError('NOT_FOUND', 'There is no such person.')
  const methods = await stepUpMethods(identifying, account, who.providerOwner)
  if (!methods.includes(input.method)) {
    throw invalidArgument([{ path: '/method', message: `must be one of ${methods.join(', ')}` }])
  }
  await prove(identifying, account, input)
  return account
}

async function prove(identifying: Identifying, account: Account, input: StepUp): Promise<void> {
  switch (input.method) {
    case 'sso':
      throw wrong('/method', 'is begun by POST /management/v1/session/sso/proof')
    case 'password': {
      if (input.password === undefined) throw wrong('/password', 'is required')
      const matches = await verifyPassword(input.password, account.password_hash)
      if (!matches) throw wrong('/password', 'is not right')
      return
    }
    case 'totp':
    case 'recovery-code': {
      const { code, method } = input
      if (code === undefined) throw wrong('/code', 'is required')
      const taken = await identifying.db
        .transaction()
        .execute((trx) => takeCode(identifying, trx, account.id, { method, code }))
      if (!taken) throw wrong('/code', 'is not right, or was used already')
      return
    }
    case 'passkey': {
      if (input.response === undefined) throw wrong('/response', 'is required')
      const of = { purpose: 'passkey-step-up', personId: account.id } as const
      if ((await checkPasskey(identifying, of, input.response)) !== undefined) return
      throw wrong('/response', 'is no proof of a passkey of yours: try again')
    }
  }
}

const wrong = (path: string, message: string): AppError => invalidArgument([{ path, message }])
