import { isIP } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely, Transaction } from 'kysely'
import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { deviceWords } from './device-words.ts'
import { justChanged, lockAsProved } from './factor-rules.ts'
import {
  domainOf,
  findProvider,
  operatorOwner,
  ownerOf,
  refuseLocalSignIn,
} from './identity-provider.ts'
import type { Identifying } from './needs.ts'
import { isLinked, keepProvider } from './provider-store.ts'
import { newSecret } from './secrets.ts'
import type { SessionCookie } from './session-cookie.ts'
import {
  deleteEndedSessions,
  deleteSession,
  insertSession,
  rotateSession,
} from './session-store.ts'
import { actorOf } from './sign-in.ts'
import { type Account, noteSignIn } from './store.ts'
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

/** How somebody got in. */
export type SignInWay = {
  methods: readonly SignInMethod[]
  from?: (FromProvider & { provedAt: Date | undefined }) | undefined
  /** the account was just made: that is written down as such */
  joined?: true
}

export const justJoined: SignInWay = { methods: ['password'], joined: true }
export const joinedByLink: SignInWay = { methods: ['link', 'password'], joined: true }

/**
 * Signs the browser in: a new session on the server, its id in the cookie, and a mark by which the browser is known the
 * next time. What is written of it is written with the session or not at all.
 * @param proved the account as it was when the person proved to be it
 * @throws AppError UNAUTHENTICATED when it is not any more: a new password ends also what is just being signed in;
 * PERMISSION_DENIED when single sign-on was enforced meanwhile
 */
export async function startSession(
  identifying: Identifying,
  cookie: SessionCookie,
  reply: FastifyReply,
  proved: Account,
  way: SignInWay,
): Promise<void> {
  const { db, clock, device } = identifying
  const { request } = reply
  const secret = newSecret()
  const now = clock.now()
  await deleteEndedSessions(db, now)
  await db.transaction().execute(async (trx) => {
    const account = await lockWayIn(identifying, trx, proved, way)
    await insertSession(trx, sessionOf(identifying, request, { secret, account, way, now }))
    if (way.joined === true) return
    await noteSignIn(trx, account.id, now)
    await recordAction(identifying.outbox, trx, {
      actor: actorOf(account),
      action: 'session.started',
      target: account.id,
      detail: { methods: way.methods },
    })
  })
  await endSession(identifying, cookie, request, db)
  reply
    .header('set-cookie', cookie.set(secret))
    .header('set-cookie', device.set(proved.id))
    .header('cache-control', 'no-store')
}

function sessionOf(
  identifying: Identifying,
  request: FastifyRequest,
  {
    secret,
    account,
    way: { methods, from },
    now,
  }: { secret: string; account: Account; way: SignInWay; now: Date },
) {
  return {
    id_hash: hashOf(identifying, secret),
    id: identifying.newId('session'),
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
}

/**
 * Single sign-on that is enforced, and a provider that is removed, end also what is just being signed in.
 * @returns the account as it is
 */
async function lockWayIn(
  identifying: Identifying,
  trx: Transaction<IdentityTables>,
  proved: Account,
  { from }: SignInWay,
): Promise<Account> {
  const owner = from?.owner ?? ownerOf(proved)
  // The operator's provider stands in the settings: it is the same for as long as this process lives.
  if (owner !== operatorOwner) await keepProvider(trx, owner)
  const account = await lockAsProved(trx, proved)
  const looking = { ...identifying, db: trx }
  if (from === undefined) {
    if (account.kind === 'partner') await refuseLocalSignIn(looking, account)
    return account
  }
  const provider = await findProvider(looking, owner)
  const isStill =
    provider?.domains.includes(domainOf(account.email)) === true &&
    (await isLinked(trx, provider, account.id))
  if (!isStill) throw justChanged()
  return account
}

/**
 * Gives the session of a request another id, because what it may do has changed. An id that somebody else may have
 * learnt before is worth nothing after.
 */
export async function renewSession(
  identifying: Identifying,
  cookie: SessionCookie,
  reply: FastifyReply,
  proof: { verifiedAt: Date },
): Promise<void> {
  const secret = newSecret()
  if (await rotated(identifying, identifying.db, { cookie, reply, secret, ...proof }))
    reply.header('set-cookie', cookie.set(secret))
}

/**
 * What the person of this session has just proved, in the evidence and in the session, which gets another id.
 * @returns when
 * @throws AppError ABORTED when the session got another id meanwhile: with the one before nothing is proved
 */
export async function noteProof(
  identifying: Identifying,
  cookie: SessionCookie,
  reply: FastifyReply,
  { account, method }: { account: Account; method: string },
): Promise<Date> {
  const { db, outbox, clock } = identifying
  const secret = newSecret()
  const verifiedAt = clock.now()
  await db.transaction().execute(async (trx) => {
    if (!(await rotated(identifying, trx, { cookie, reply, secret, verifiedAt })))
      throw new AppError(
        'ABORTED',
        'This session was given another id or has ended since: reload the page and prove it again.',
      )
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'session.stepped-up',
      target: account.id,
      detail: { method },
    })
  })
  reply.header('set-cookie', cookie.set(secret))
  return verifiedAt
}

async function rotated(
  identifying: Identifying,
  db: Kysely<IdentityTables>,
  given: { cookie: SessionCookie; reply: FastifyReply; secret: string; verifiedAt: Date },
): Promise<boolean> {
  const { cookie, reply, secret, verifiedAt } = given
  const old = cookie.read(reply.request.headers.cookie)
  if (old === undefined) return false
  const change = { idHash: hashOf(identifying, old), newHash: hashOf(identifying, secret) }
  return await rotateSession(db, { ...change, verifiedAt, now: identifying.clock.now() })
}
