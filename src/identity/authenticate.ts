import type { FastifyRequest } from 'fastify'
import type { Actor } from '#audit'
import type { Identifying } from './needs.ts'
import { freshMs } from './require-step-up.ts'
import { looksLikeApiToken } from './secrets.ts'
import type { SessionCookie } from './session-cookie.ts'
import { touchSession } from './session-store.ts'
import { actorOf } from './sign-in.ts'
import { type Account, findAccount } from './store.ts'
import type { TokenRow } from './tables.ts'
import { touchToken } from './token-store.ts'
import { unauthenticated } from './unauthenticated.ts'

/** Who calls, and, at a browser, by which session. */
export type Caller = { actor: Actor; session?: RequestSession; account?: Account }

/** What a request knows of the session that it came with. */
export type RequestSession = {
  id: string
  /** whose identity provider it came from */
  providerOwner: string | undefined
  signOutUrl: string | undefined
  methods: readonly string[]
  /** until when the proof is good that the person is there; absent when there is none */
  freshUntil: Date | undefined
}

/**
 * Finds out who calls. A bearer token wins over a cookie, and one that is not good is refused even where nobody needs
 * to be known: whoever shows a credential must learn that it ended, instead of being served as a stranger.
 */
export async function authenticate(
  identifying: Identifying,
  cookie: SessionCookie,
  request: FastifyRequest,
): Promise<Caller> {
  const bearer = bearerOf(request)
  if (bearer !== undefined) return { actor: await byToken(identifying, bearer, request.ip) }
  const secret = cookie.read(request.headers.cookie)
  return secret === undefined ? stranger : await bySession(identifying, secret)
}

/**
 * What stands after "Bearer", whatever it is: nothing, or more than a token, is a credential that is not good.
 * @returns undefined when no bearer token is shown
 */
export function bearerOf({ headers }: FastifyRequest): string | undefined {
  const shown = /^Bearer(?:\s+(.*))?$/i.exec(headers.authorization?.trim() ?? '')
  return shown === null ? undefined : (shown[1] ?? '')
}

const stranger: Caller = { actor: { kind: 'anonymous' } }

async function bySession(identifying: Identifying, secret: string): Promise<Caller> {
  const { db, sealing, clock } = identifying
  const now = clock.now()
  const found = await touchSession(db, sealing.keyedHash('session', secret), now)
  const account = found && (await findAccount(db, found.personId))
  if (found === undefined || account === undefined) return stranger
  const until = found.verifiedAt && new Date(found.verifiedAt.getTime() + freshMs)
  const freshUntil = until !== undefined && until > now ? until : undefined
  return { actor: actorOf(account), session: { ...found, freshUntil }, account }
}

async function byToken(identifying: Identifying, secret: string, ip: string): Promise<Actor> {
  const { db, sealing, clock, limiter } = identifying
  const token = looksLikeApiToken(secret)
    ? await touchToken(db, sealing.keyedHash('api-token', secret), clock.now())
    : undefined
  const actor = token === undefined ? undefined : await actorOfToken(identifying, token)
  if (actor === undefined) {
    await limiter.byAddress('wrongTokenByAddress', ip)
    throw unauthenticated()
  }
  return actor
}

/** A token may do what its maker may do now: with a smaller role it may do less. */
async function actorOfToken({ db }: Identifying, token: TokenRow): Promise<Actor | undefined> {
  const maker = token.person_id === null ? undefined : await findAccount(db, token.person_id)
  if (token.person_id !== null && maker === undefined) return undefined
  return toActor(token, maker)
}

function toActor(token: TokenRow, maker: Account | undefined): Actor | undefined {
  const { id, name, partner_id: partnerId } = token
  const limited = { via: 'token' as const, ...(token.scopes !== null && { scopes: token.scopes }) }
  if (token.kind === 'operator') {
    if (maker !== undefined && maker.kind !== 'operator') return undefined
    return { kind: 'operator', id, name, role: maker?.role ?? 'administrator', ...limited }
  }
  if (partnerId === null) return undefined
  if (maker !== undefined && (maker.kind !== 'partner' || maker.partner_id !== partnerId)) {
    return undefined
  }
  return { kind: 'partner', id, name, partnerId, role: maker?.role ?? 'owner', ...limited }
}
