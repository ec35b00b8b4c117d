import type { Kysely } from 'kysely'
import { AppError } from '#platform/app-error'
import type { Identifying } from './needs.ts'
import { newSecret } from './secrets.ts'
import { keepPerson } from './store.ts'
import type { ChallengePurpose, IdentityTables } from './tables.ts'

type Db = Kysely<IdentityTables>

const minute = 60_000

/** How long an authenticator has. The sign-in page asks when it opens, for the browser to offer passkeys by itself. */
export const challengeLifetimeMs = {
  'passkey-sign-in': 10 * minute,
  'passkey-step-up': 5 * minute,
  'passkey-registration': 5 * minute,
} as const satisfies Record<ChallengePurpose, number>

const hashOf = (sealing: Identifying['sealing'], challenge: string): string =>
  sealing.keyedHash('challenge', challenge)

/** @returns 256 random bits in base64url, kept as a hash */
export async function issueChallenge(
  { db, sealing, clock }: Identifying,
  purpose: ChallengePurpose,
  personId: string | null,
): Promise<string> {
  const challenge = newSecret()
  const row = {
    challenge_hash: hashOf(sealing, challenge),
    purpose,
    person_id: personId,
    expires_at: new Date(clock.now().getTime() + challengeLifetimeMs[purpose]),
  }
  await db.transaction().execute(async (trx) => {
    if (personId !== null && !(await keepPerson(trx, personId)))
      throw new AppError('NOT_FOUND', 'There is no such person.')
    await trx.insertInto('identity.challenge').values(row).execute()
  })
  return challenge
}

/** Uses a challenge up, whatever comes of it: of any number of simultaneous uses one succeeds. */
export async function consumeChallenge(
  { db, sealing, clock }: Identifying,
  purpose: ChallengePurpose,
  personId: string | null,
  challenge: string,
): Promise<boolean> {
  const used = await db
    .deleteFrom('identity.challenge')
    .where('challenge_hash', '=', hashOf(sealing, challenge))
    .where('purpose', '=', purpose)
    .where('person_id', personId === null ? 'is' : '=', personId)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  return used.numDeletedRows > 0n
}

export const deleteExpiredChallenges = (db: Db, now: Date) =>
  db.deleteFrom('identity.challenge').where('expires_at', '<=', now).execute()
