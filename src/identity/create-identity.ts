import { resolveTxt } from 'node:dns/promises'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Transaction } from 'kysely'
import type { Actor } from '#audit'
import type { Attempts } from '#platform/attempts'
import type { Routes } from '#platform/http-server'
import type { Mail } from '#platform/mail'
import type { Platform } from '#platform/module'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { firstOperatorLink } from './become-first-operator.ts'
import { deleteExpiredVisits } from './begin-sso.ts'
import { deleteExpiredChallenges } from './challenge-store.ts'
import { createMember, hashNewPassword, type NewMemberInput } from './create-member.ts'
import { createToken, type NewApiToken } from './create-token.ts'
import { createDeviceCookie } from './device-cookie.ts'
import { createFactorRoutes } from './factor-routes.ts'
import { forgetUnconfirmed } from './forget-unconfirmed.ts'
import { createGuard } from './guard.ts'
import { createLimiter } from './limits.ts'
import { deleteExpiredLinks } from './link-store.ts'
import { orderMail } from './mail-events.ts'
import { createMemberRoutes } from './member-routes.ts'
import { hasVerifiedMember, memberIds } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { createOperatorRoutes } from './operator-routes.ts'
import { createProviderRoutes } from './provider-routes.ts'
import { createRecoveryRoutes } from './recovery-routes.ts'
import { resetFactors } from './reset-factors.ts'
import { createResetRoutes } from './reset-routes.ts'
import { createSessionCookie } from './session-cookie.ts'
import { createSessionListRoutes } from './session-list-routes.ts'
import { createSessionRoutes } from './session-routes.ts'
import { deleteEndedSessions } from './session-store.ts'
import { normalEmail } from './sign-in.ts'
import { createSignInRoutes } from './sign-in-routes.ts'
import { createSsoProtocol } from './sso-protocol.ts'
import { createSsoRoutes } from './sso-routes.ts'
import { justJoined, startSession } from './start-session.ts'
import { createStepUpRoutes } from './step-up-routes.ts'
import { findAccount, findHolder } from './store.ts'
import type { IdentityTables } from './tables.ts'
import { deleteExpiredTickets } from './ticket-store.ts'
import { createTokenRoutes } from './token-routes.ts'
import { deleteExpiredTokens } from './token-store.ts'
import { deleteExpiredEnrolments } from './totp-store.ts'
import { createVerificationRoutes } from './verification-routes.ts'
import { createMailSubscriber } from './write-mail.ts'

/** @public */
export interface Identity {
  /** Finds out who calls and enforces what each route asks for in `config.access`; register it before all other routes. */
  guard: Routes
  routes: Routes
  /** Writes the mail that was ordered in the transactions of changes. */
  subscribers: readonly Subscriber[]
  /** For the description of the management API. */
  sessionCookieName: string
  /**
   * @throws AppError INVALID_ARGUMENT with everything that is wrong with the password; UNAVAILABLE when too many are
   *   waiting
   */
  hashPassword(input: {
    password: string
    email: string
    organisation?: string | undefined
  }): Promise<string>
  /**
   * Creates a member in the caller's transaction and orders the mail that verifies its address, or tells that the address
   * has an account: nothing else differs.
   */
  createMember<T>(trx: Transaction<T>, input: NewMemberInput): Promise<void>
  /** Signs the browser in, after a registration. */
  startSession(reply: FastifyReply, memberId: string): Promise<void>
  /**
   * Counts a sign-up.
   * @throws AppError TOO_MANY_REQUESTS
   */
  limitSignUp(request: FastifyRequest): Promise<void>
  /** Orders a mail to each member of a partner, in the caller's transaction. */
  mailMembers<T>(
    trx: Transaction<T>,
    partnerId: string,
    message: { subject: string; text: string },
    cause?: OutboxEvent,
  ): Promise<void>
  /** What production needs: somebody of the partner reads mail at a confirmed address. */
  hasVerifiedMember(partnerId: string): Promise<boolean>
  /** An API token that no person stands behind; its secret is returned once. */
  createToken(input: NewApiToken): Promise<{ id: string; token: string }>
  /**
   * Takes the second factors from a member of staff who has lost them, for when no administrator is left who can.
   * @returns false when there is nobody of the staff with this address
   */
  resetStaffFactors(email: string, actor: Actor): Promise<boolean>
  /** A link for the start page, good for 15 minutes; it replaces the one before. Undefined once there is an operator. */
  firstOperatorLink(): Promise<string | undefined>
  /** Deletes ended sessions and everything that has expired; to be called now and then. */
  forgetEnded(): Promise<void>
  /**
   * Ends organisations whose only member has neither confirmed its address nor used them for long; to be called now and
   * then.
   * @param isInUse whether its applications have called since then, or it has agreed to something
   * @returns how many
   */
  forgetUnconfirmed(isInUse: (partnerId: string, since: Date) => Promise<boolean>): Promise<number>
}

/** @public */
export function createIdentity(
  platform: Platform,
  deps: {
    attempts: Attempts
    mail: Mail
    /** other name servers than those of this machine */
    resolveTxt?: Identifying['resolveTxt']
    /** whether the operator has suspended a partner: its members then change little */
    isSuspended: (partnerId: string) => Promise<boolean>
  },
): Identity {
  const { config, outbox, sealing, newId, clock, log } = platform
  const db = platform.database.as<IdentityTables>()
  const device = createDeviceCookie(config.portal.url, sealing)
  const limiter = createLimiter(deps.attempts, sealing, device)
  const identifying: Identifying = {
    config,
    outbox,
    sealing,
    newId,
    clock,
    log,
    db,
    limiter,
    device,
    mail: deps.mail,
    sso: createSsoProtocol({ config, clock }),
    resolveTxt: deps.resolveTxt ?? resolveTxt,
    isSuspended: deps.isSuspended,
  }
  const cookie = createSessionCookie(config.portal.url)
  const routes = [
    createSessionRoutes(identifying, cookie),
    createSignInRoutes(identifying, cookie),
    createStepUpRoutes(identifying, cookie),
    createSessionListRoutes(identifying),
    createFactorRoutes(identifying, cookie),
    createResetRoutes(identifying),
    createRecoveryRoutes(identifying),
    createVerificationRoutes(identifying),
    createMemberRoutes(identifying, cookie),
    createOperatorRoutes(identifying, cookie),
    createTokenRoutes(identifying),
    createSsoRoutes(identifying, cookie),
    createProviderRoutes(identifying),
  ]
  return {
    guard: createGuard(identifying, cookie),
    routes: async (server) => {
      for (const mount of routes) await mount(server)
    },
    subscribers: [createMailSubscriber(identifying)],
    sessionCookieName: cookie.name,
    hashPassword: (input) => hashNewPassword(identifying, input),
    createMember: (trx, input) =>
      createMember(identifying, trx as unknown as Transaction<IdentityTables>, input),
    async startSession(reply, memberId) {
      const account = await findAccount(db, memberId)
      if (account === undefined) throw new Error('nobody can be signed in who is not there')
      await startSession(identifying, cookie, reply, account, justJoined)
    },
    limitSignUp: async (request) => {
      await limiter.byAddress('signUpByAddress', request.ip)
      await limiter.byAddress('signUpByAddressAndDay', request.ip)
    },
    mailMembers: async (trx, partnerId, message, cause) => {
      for (const personId of await memberIds(db, partnerId))
        await orderMail(identifying, trx, { kind: 'notice', personId, ...message }, cause)
    },
    hasVerifiedMember: (partnerId) => hasVerifiedMember(db, partnerId),
    createToken: (input) => createToken(identifying, input),
    resetStaffFactors: async (email, actor) => {
      const account = await findHolder(db, normalEmail(email))
      if (account?.kind !== 'operator') return false
      await db.transaction().execute((trx) => resetFactors(identifying, trx, account.id, actor))
      return true
    },
    firstOperatorLink: () => firstOperatorLink(identifying),
    forgetUnconfirmed: (isInUse) => forgetUnconfirmed(identifying, isInUse),
    forgetEnded: async () => {
      const now = clock.now()
      await deleteEndedSessions(db, now)
      await deleteExpiredLinks(db, now)
      await deleteExpiredChallenges(db, now)
      await deleteExpiredTickets(db, now)
      await deleteExpiredVisits(db, now)
      await deleteExpiredTokens(db, now)
      await deleteExpiredEnrolments(db, now)
    },
  }
}
