import type { AttemptLimit, Attempts } from '#platform/attempts'
import { networkOf } from '#platform/network'
import type { Sealing } from '#platform/sealing'

const minutes = (count: number): number => count * 60

/**
 * How often a thing may be tried. The limits by address stop one machine from trying many accounts and leave room for
 * an office behind one address; those by e-mail stop many machines from trying one account. Guessing counts failures
 * only, so that it never hinders somebody who has what it takes.
 */
const limits = {
  signInByAddress: { name: 'sign-in-address', limit: 300, windowSeconds: minutes(15) },
  signInByEmail: { name: 'sign-in-email', limit: 10, windowSeconds: minutes(15) },
  signUpByAddress: { name: 'sign-up-address', limit: 120, windowSeconds: minutes(1) },
  signUpByAddressAndDay: { name: 'sign-up-day', limit: 5_000, windowSeconds: minutes(24 * 60) },
  recoveryByAddress: { name: 'recovery-address', limit: 100, windowSeconds: minutes(15) },
  recoveryByEmail: { name: 'recovery-email', limit: 5, windowSeconds: minutes(60) },
  verificationMailByPerson: { name: 'verify-person', limit: 5, windowSeconds: minutes(60) },
  invitationByPartner: { name: 'invite-partner', limit: 50, windowSeconds: minutes(60) },
  invitationByEmail: { name: 'invite-email', limit: 5, windowSeconds: minutes(60) },
  wrongLinkByAddress: { name: 'link-address', limit: 200, windowSeconds: minutes(15) },
  wrongTokenByAddress: { name: 'token-address', limit: 200, windowSeconds: minutes(15) },
} as const satisfies Record<string, AttemptLimit>

type LimitName = keyof typeof limits

/** Counts attempts without keeping the address or the e-mail that they are counted by. */
export interface Limiter {
  /** @throws AppError TOO_MANY_REQUESTS */
  byAddress(name: LimitName, ip: string): Promise<void>
  /** @throws AppError TOO_MANY_REQUESTS */
  by(name: LimitName, key: string): Promise<void>
}

export function createLimiter(attempts: Attempts, sealing: Sealing): Limiter {
  const take = (name: LimitName, key: string): Promise<void> =>
    attempts.take(limits[name], sealing.keyedHash('attempt', key))
  return { by: take, byAddress: (name, ip) => take(name, networkOf(ip)) }
}
