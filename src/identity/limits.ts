import type { FastifyRequest } from 'fastify'
import { AppError } from '#platform/app-error'
import type { AttemptLimit, Attempts } from '#platform/attempts'
import { networkOf } from '#platform/network'
import type { Sealing } from '#platform/sealing'
import type { DeviceCookie } from './device-cookie.ts'

const minutes = (count: number): number => count * 60

/**
 * How often a thing may be tried. The limits by address stop one machine from trying many accounts and leave room for
 * an office behind one address; those by account stop many machines from trying one account. Guessing counts failures
 * only, so that it never hinders somebody who has what it takes; and a success changes no count but its own, or a stranger
 * could see from it that there is an account, and in use. A device that the person has signed in with before has a
 * count of its own, so strangers who guess keep out strangers only.
 */
const limits = {
  signInByAddress: { name: 'sign-in-address', limit: 300, windowSeconds: minutes(15) },
  passwordByDevice: { name: 'password-device', limit: 10, windowSeconds: minutes(15) },
  passwordByNetwork: { name: 'password-network', limit: 10, windowSeconds: minutes(15) },
  passwordByAccount: { name: 'password-account', limit: 60, windowSeconds: minutes(15) },
  codeByDevice: { name: 'code-device', limit: 10, windowSeconds: minutes(15) },
  codeByNetwork: { name: 'code-network', limit: 10, windowSeconds: minutes(15) },
  codeByAccount: { name: 'code-account', limit: 20, windowSeconds: minutes(60) },
  guessNoticeByPerson: { name: 'guess-notice', limit: 1, windowSeconds: minutes(24 * 60) },
  secondFactorByAddress: { name: 'second-factor-address', limit: 300, windowSeconds: minutes(15) },
  stepUpBySession: { name: 'step-up-session', limit: 10, windowSeconds: minutes(15) },
  enrolmentCodeByPerson: { name: 'enrolment-person', limit: 20, windowSeconds: minutes(15) },
  passkeyOffersByPerson: { name: 'passkey-person', limit: 60, windowSeconds: minutes(15) },
  passkeyOffersByAddress: { name: 'passkey-offers', limit: 600, windowSeconds: minutes(15) },
  signUpByAddress: { name: 'sign-up-address', limit: 120, windowSeconds: minutes(1) },
  signUpByAddressAndDay: { name: 'sign-up-day', limit: 5_000, windowSeconds: minutes(24 * 60) },
  recoveryByAddress: { name: 'recovery-address', limit: 100, windowSeconds: minutes(15) },
  recoveryByEmail: { name: 'recovery-email', limit: 5, windowSeconds: minutes(60) },
  ssoByAddress: { name: 'sso-address', limit: 600, windowSeconds: minutes(15) },
  domainChecksByPartner: { name: 'domain-partner', limit: 60, windowSeconds: minutes(60) },
  domainMailByDomain: { name: 'domain-mail', limit: 3, windowSeconds: minutes(24 * 60) },
  confirmationMailByEmail: { name: 'confirmation-email', limit: 10, windowSeconds: minutes(60) },
  verificationMailByPerson: { name: 'verify-person', limit: 5, windowSeconds: minutes(60) },
  invitationByPartner: { name: 'invite-partner', limit: 50, windowSeconds: minutes(60) },
  invitationByEmail: { name: 'invite-email', limit: 5, windowSeconds: minutes(60) },
  wrongLinkByAddress: { name: 'link-address', limit: 200, windowSeconds: minutes(15) },
  wrongTokenByAddress: { name: 'token-address', limit: 200, windowSeconds: minutes(15) },
} as const satisfies Record<string, AttemptLimit>

type LimitName = keyof typeof limits

/** Where a guess comes from. */
export type Origin = {
  ip: string
  /** the header field with the cookies of the browser */
  cookies: string | undefined
}

export const originOf = ({ ip, headers }: FastifyRequest): Origin => ({
  ip,
  cookies: headers.cookie,
})

/** A guess that was counted. */
export type Guess = {
  /** whether it may be compared with what this person has; otherwise only the work of comparing is done */
  isAt(personId: string | undefined): boolean
  /** takes it back, for a guess that was right */
  wasRight(): Promise<void>
}

/** Counts attempts without keeping the address or the e-mail that they are counted by. */
export interface Limiter {
  /** @throws AppError TOO_MANY_REQUESTS */
  byAddress(name: LimitName, ip: string): Promise<void>
  /** @throws AppError TOO_MANY_REQUESTS */
  by(name: LimitName, key: string): Promise<void>
  /**
   * Counts a guess at the password or the code of an account: by the device when the person has signed in with it
   * before, and otherwise by its network and, in all, by the account. It is counted before it is looked at, so that no
   * number of simultaneous ones gets more than its share. An address may mean several persons: a device is known to one
   * of them, and for the others the guess counts like a stranger's.
   * @throws AppError TOO_MANY_REQUESTS
   */
  guess(
    what: 'password' | 'code',
    account: string,
    from: Origin & { personIds: readonly (string | undefined)[] },
  ): Promise<Guess>
  /** Counts one; @returns false when there were too many already, for what is left undone without a word. */
  isFree(name: LimitName, key: string): Promise<boolean>
}

export function createLimiter(attempts: Attempts, sealing: Sealing, device: DeviceCookie): Limiter {
  const take = (name: LimitName, key: string): Promise<void> =>
    attempts.take(limits[name], sealing.keyedHash('attempt', key))
  const giveBack = (name: LimitName, key: string): Promise<void> =>
    attempts.giveBack(limits[name], sealing.keyedHash('attempt', key))
  return {
    by: take,
    byAddress: (name, ip) => take(name, networkOf(ip)),
    async guess(what, account, { ip, cookies, personIds }) {
      const counted: [LimitName, string][] = []
      const count = async (name: LimitName, key: string): Promise<void> => {
        counted.push([name, key])
        await take(name, key)
      }
      const asStranger = async (): Promise<void> => {
        await count(`${what}ByNetwork`, `${account} ${networkOf(ip)}`)
        await count(`${what}ByAccount`, account)
      }
      const wasRight = async (): Promise<void> => {
        for (const [name, key] of counted) await giveBack(name, key)
      }
      for (const personId of personIds) {
        const nonce = device.read(cookies, personId)
        if (nonce === undefined) continue
        await count(`${what}ByDevice`, `${account} ${nonce}`)
        // Whoever opens an account with somebody else's address gets marks of devices at will, and no guesses by them.
        const isAtOthers = personIds.length > 1 && (await isNotTooMany(asStranger()))
        return { isAt: (id) => isAtOthers || id === personId, wasRight }
      }
      await asStranger()
      return { isAt: () => true, wasRight }
    },
    isFree: (name, key) => isNotTooMany(take(name, key)),
  }
}

async function isNotTooMany(counting: Promise<void>): Promise<boolean> {
  try {
    await counting
    return true
  } catch (error) {
    if (error instanceof AppError && error.code === 'TOO_MANY_REQUESTS') return false
    throw error
  }
}
