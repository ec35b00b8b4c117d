import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import type { Identifying } from './needs.ts'
import { newSecret } from './secrets.ts'
import type { SessionCookie } from './session-cookie.ts'
import { deleteSession, insertSession } from './session-store.ts'
import type { IdentityTables } from './tables.ts'

/** Ends the session that a request came with, if any: nobody keeps an id from before signing in. */
export async function endSession(
  { sealing }: Identifying,
  cookie: SessionCookie,
  request: FastifyRequest,
  db: Kysely<IdentityTables>,
): Promise<void> {
  const secret = cookie.read(request.headers.cookie)
  if (secret !== undefined) await deleteSession(db, sealing.keyedHash('session', secret))
}

/** Signs the browser in: a new session on the server, its id in the cookie. */
export async function startSession(
  identifying: Identifying,
  cookie: SessionCookie,
  reply: FastifyReply,
  personId: string,
): Promise<void> {
  const { db, sealing, clock } = identifying
  const secret = newSecret()
  await endSession(identifying, cookie, reply.request, db)
  await insertSession(db, {
    idHash: sealing.keyedHash('session', secret),
    personId,
    now: clock.now(),
  })
  reply.header('set-cookie', cookie.set(secret)).header('cache-control', 'no-store')
}
