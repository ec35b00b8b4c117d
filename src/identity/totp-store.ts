import type { Kysely } from 'kysely'
import type { Identifying } from './needs.ts'
import type { IdentityTables } from './tables.ts'
import { stepOfCode } from './totp-code.ts'

type Db = Kysely<IdentityTables>

/** What the sealed secret is bound to. */
export const totpContext = (personId: string): string => `identity.totp:${personId}`
const enrolmentLifetimeMs = 15 * 60_000

/** Keeps a secret until a code confirms it; an authenticator app that is in use stays so until then. */
export async function putEnrolment(
  { sealing, clock }: Identifying,
  db: Db,
  personId: string,
  secret: string,
): Promise<Date> {
  const expiresAt = new Date(clock.now().getTime() + enrolmentLifetimeMs)
  const row = {
    person_id: personId,
    sealed_secret: sealing.seal(secret, totpContext(personId)),
    expires_at: expiresAt,
  }
  await db
    .insertInto('identity.totp_enrolment')
    .values(row)
    .onConflict((conflict) => conflict.column('person_id').doUpdateSet(row))
    .execute()
  return expiresAt
}

/** @returns the secret that waits for its first code */
export async function findEnrolment(
  { sealing, clock }: Identifying,
  db: Db,
  personId: string,
): Promise<string | undefined> {
  const row = await db
    .selectFrom('identity.totp_enrolment')
    .select('sealed_secret')
    .where('person_id', '=', personId)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  return row && sealing.open(row.sealed_secret, totpContext(personId))
}

/** Takes the confirmed secret into use; the step of the code that confirmed it is used already. */
export async function putTotp(
  { sealing, clock }: Identifying,
  db: Db,
  given: { personId: string; secret: string; step: number },
): Promise<void> {
  const row = {
    person_id: given.personId,
    sealed_secret: sealing.seal(given.secret, totpContext(given.personId)),
    last_step: given.step,
    created_at: clock.now(),
  }
  await db.deleteFrom('identity.totp_enrolment').where('person_id', '=', given.personId).execute()
  await db
    .insertInto('identity.totp')
    .values(row)
    .onConflict((conflict) => conflict.column('person_id').doUpdateSet(row))
    .execute()
}

export const findTotp = (db: Db, personId: string) =>
  db
    .selectFrom('identity.totp')
    .select(['created_at', 'last_step', 'sealed_secret'])
    .where('person_id', '=', personId)
    .executeTakeFirst()

/**
 * Takes a code, once: the step of a code that is taken is the oldest that is refused from then on (RFC 6238, section
 * 5.2). The row decides, so this also holds between processes.
 * @returns whether the code is good and was not used
 */
export async function takeTotpCode(
  { sealing, clock }: Identifying,
  db: Db,
  personId: string,
  code: string,
): Promise<boolean> {
  const totp = await findTotp(db, personId)
  if (totp === undefined) return false
  const secret = sealing.open(totp.sealed_secret, totpContext(personId))
  const step = stepOfCode(secret, code, clock.now())
  if (step === undefined) return false
  const result = await db
    .updateTable('identity.totp')
    .set({ last_step: step })
    .where('person_id', '=', personId)
    .where('last_step', '<', step)
    // Of another app, set up meanwhile, no code is used up. (The same secret may be sealed anew at any time.)
    .where('created_at', '=', totp.created_at)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

/** @returns whether there was one */
export async function deleteTotp(db: Db, personId: string): Promise<boolean> {
  await db.deleteFrom('identity.totp_enrolment').where('person_id', '=', personId).execute()
  const result = await db
    .deleteFrom('identity.totp')
    .where('person_id', '=', personId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export const deleteExpiredEnrolments = (db: Db, now: Date) =>
  db.deleteFrom('identity.totp_enrolment').where('expires_at', '<=', now).execute()
