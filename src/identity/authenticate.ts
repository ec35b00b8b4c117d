import type { FastifyRequest } from 'fastify'
import type { Actor } from '#audit'
import { AppError } from '#platform/app-error'
import type { Identifying } from './needs.ts'
import { looksLikeApiToken } from './secrets.ts'
import type { SessionCookie } from './session-cookie.ts'
import { touchSession } from './session-store.ts'
import { type Account, findAccount } from './store.ts'
import type { TokenRow } from './tables.ts'
import { touchToken } from './token-store.ts'

/** One answer for every reason, so that it tells nothing about which part was wrong (CAMARA Commonalities, N12). */
export const unauthenticated = (): AppError =>
  new AppError('UNAUTHENTICATED', 'Sign in, or send an API token.', {
    headers: { 'www-authenticate': 'Bearer' },
  })

/**
 * Finds out who calls. A bearer token wins over a cookie, and one that is not good is refused even where nobody needs
 * to be known: whoever shows a credential must learn that it ended, instead of being served as a stranger.
 */
export async function authenticate(
  identifying: Identifying,
  cookie: SessionCookie,
  request: FastifyRequest,
): Promise<Actor> {
  const bearer = /^Bearer +(\S*) *$/i.exec(request.headers.authorization ?? '')?.[1]
  if (bearer !== undefined) return await byToken(identifying, bearer, request.ip)
  const secret = cookie.read(request.headers.cookie)
  return secret === undefined ? { kind: 'anonymous' } : await bySession(identifying, secret)
}

async function bySession(identifying: Identifying, secret: string): Promise<Actor> {
  const { db, sealing, clock } = identifying
  const personId = await touchSession(db, sealing.keyedHash('session', secret), clock.now())
  const account = personId === undefined ? undefined : await findAccount(db, personId)
  if (account === undefined) return { kind: 'anonymous' }
  const { id, name } = account
  return account.kind === 'operator'
    ? { kind: 'operator', id, name, role: account.role, via: 'session' }
    : {
        kind: 'partner',
        id,
        name,
        partnerId: account.partner_id,
        role: account.role,
        via: 'session',
      }
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
  if (token.kind === 'operator') {
    if (maker !== undefined && maker.kind !== 'operator') return undefined
    return { kind: 'operator', id, name, role: maker?.role ?? 'administrator', via: 'token' }
  }
  if (partnerId === null) return undefined
  if (maker !== undefined && (maker.kind !== 'partner' || maker.partner_id !== partnerId)) {
    return undefined
  }
  return { kind: 'partner', id, name, partnerId, role: maker?.role ?? 'owner', via: 'token' }
}
