import type { Kysely } from 'kysely'
import type { Identifying } from './needs.ts'
import { newSecret } from './secrets.ts'
import type { FromProvider, IdentityTables } from './tables.ts'

type Db = Kysely<IdentityTables>

const lifetimeMs = 10 * 60_000
/** After so many wrong codes the password is asked for again, which is counted in its turn. */
const mostAttempts = 5

const hashOf = ({ sealing }: Pick<Identifying, 'sealing'>, ticket: string): string =>
  sealing.keyedHash('sign-in-ticket', ticket)

/** Half a sign-in: the password was right, or an identity provider knows the person. It is no session and can do nothing but be completed. */
export async function issueTicket(
  identifying: Identifying,
  db: Db,
  personId: string,
  from?: FromProvider,
): Promise<{ ticket: string; expiresAt: Date }> {
  const ticket = newSecret()
  const expiresAt = new Date(identifying.clock.now().getTime() + lifetimeMs)
  await db
    .insertInto('identity.sign_in_ticket')
    .values({
      token_hash: hashOf(identifying, ticket),
      person_id: personId,
      attempts: 0,
      expires_at: expiresAt,
      ...(from !== undefined && { provider: JSON.stringify(from) }),
    })
    .execute()
  return { ticket, expiresAt }
}

/**
 * Counts one try before it is looked at, so that no number of simultaneous ones gets more than its share.
 * @returns whose ticket it is, and which try this is
 */
export const tryTicket = (
  identifying: Identifying,
  ticket: string,
): Promise<{ person_id: string; attempts: number } | undefined> =>
  identifying.db
    .updateTable('identity.sign_in_ticket')
    .set((eb) => ({ attempts: eb('attempts', '+', 1) }))
    .where('token_hash', '=', hashOf(identifying, ticket))
    .where('expires_at', '>', identifying.clock.now())
    .where('attempts', '<', mostAttempts)
    .returning(['person_id', 'attempts'])
    .executeTakeFirst()

export const isLastTry = (attempts: number): boolean => attempts >= mostAttempts

/** @returns whose it was and where it came from, if it was still there: of simultaneous completions one succeeds */
export const consumeTicket = (
  identifying: Identifying,
  db: Db,
  ticket: string,
): Promise<{ person_id: string; provider: FromProvider | null } | undefined> =>
  db
    .deleteFrom('identity.sign_in_ticket')
    .where('token_hash', '=', hashOf(identifying, ticket))
    .where('expires_at', '>', identifying.clock.now())
    .returning(['person_id', 'provider'])
    .executeTakeFirst()

/** Half sign-ins with a password or with factors that were replaced meanwhile. */
export const deleteTicketsOf = (db: Db, personId: string) =>
  db.deleteFrom('identity.sign_in_ticket').where('person_id', '=', personId).execute()

export const deleteExpiredTickets = (db: Db, now: Date) =>
  db.deleteFrom('identity.sign_in_ticket').where('expires_at', '<=', now).execute()
