import { isIP } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import { deviceWords } from './device-words.ts'
import { lockAsProved } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { newSecret } from './secrets.ts'
import type { SessionCookie } from './session-cookie.ts'
import { deleteSession, insertSession, rotateSession } from './session-store.ts'
import type { Account } from './store.ts'
import type { FromProvider, IdentityTables } from './tables.ts'

const hashOf = ({ sealing }: Pick<Identifying, 'sealing'>, secret: string): string =>
  sealing.keyedHash('session', secret)

/** Ends the session that a request came with, if any: nobody keeps an id from before signing in. */
export async function endSession(
  identifying: Identifying,
  cookie: SessionCookie,
  request: FastifyRequest,
  db: Kysely<IdentityTables>,
): Promise<void> {
  const secret = cookie.read(request.headers.cookie)
  if (secret !== undefined) await deleteSession(db, hashOf(identifying, secret))
}

/**
 * How somebody proved to be there, as it stands in the session and in the evidence; `provider-factor` where an identity
 * provider is trusted to have asked for a second factor.
 */
export type SignInMethod =
  | 'password'
  | 'passkey'
  | 'totp'
  | 'recovery-code'
  | 'link'
  | 'sso'
  | 'provider-factor'

/**
 * Signs the browser in: a new session on the server, its id in the cookie, and a mark by which the browser is known the
 * next time.
 * @param account as it was when the person proved to be it
 * @throws AppError UNAUTHENTICATED when it is not any more: a new password ends also what is just being signed in
 */
export async function startSession(
  identifying: Identifying,
  cookie: SessionCookie,
  reply: FastifyReply,
  account: Pick<Account, 'id' | 'password_hash' | 'has_second_factor'>,
  methods: readonly SignInMethod[] = ['password'],
  from?: FromProvider & { provedAt: Date | undefined },
): Promise<void> {
  const { db, clock, newId, device } = identifying
  const { request } = reply
  const secret = newSecret()
  const now = clock.now()
  await endSession(identifying, cookie, request, db)
  const session = {
    id_hash: hashOf(identifying, secret),
    id: newId('session'),
    person_id: account.id,
    methods: [...methods],
    // A provider may sign in by itself whoever it knows: that is no proof that the person is there.
    verified_at: from === undefined ? now : (from.provedAt ?? null),
    device: deviceWords(request.headers['user-agent']),
    // What a proxy hands on may be any text.
    address: isIP(request.ip) > 0 ? request.ip : '',
    created_at: now,
    last_used_at: now,
    provider_owner: from?.owner ?? null,
    ends_at: from === undefined ? null : new Date(from.endsAt),
    sign_out_url: from?.signOutUrl ?? null,
  }
  await db.transaction().execute(async (trx) => {
    await lockAsProved(trx, account)
    await insertSession(trx, session)
  })
  reply
    .header('set-cookie', cookie.set(secret))
    .header('set-cookie', device.set(account.id))
    .header('cache-control', 'no-store')
}

/**
 * Gives the session of a request another id, because what it may do has changed. An id that somebody else may have
 * learnt before is worth nothing after.
 */
export async function renewSession(
  identifying: Identifying,
  cookie: SessionCookie,
  reply: FastifyReply,
  proof: { verifiedAt?: Date } = {},
): Promise<void> {
  const { db, clock } = identifying
  const old = cookie.read(reply.request.headers.cookie)
  if (old === undefined) return
  const secret = newSecret()
  const change = { idHash: hashOf(identifying, old), newHash: hashOf(identifying, secret) }
  if (await rotateSession(db, { ...change, ...proof, now: clock.now() }))
    reply.header('set-cookie', cookie.set(secret))
}
