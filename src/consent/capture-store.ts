import type { Kysely, Transaction } from 'kysely'
import type { CaptureRequest } from './face.ts'
import type { CaptureRow, ConsentTables } from './tables.ts'

type Db = Kysely<ConsentTables> | Transaction<ConsentTables>

export async function addCapture(db: Db, row: CaptureRow): Promise<void> {
  await db.insertInto('consent.capture').values(row).execute()
}

/** Links that go out to people count together; pages inside a sign-in by themselves. */
export async function countCaptures(
  db: Db,
  of: CaptureRequest,
  since: Date,
): Promise<{ ofApplication: number; ofSubscriber: number }> {
  const channels =
    of.channel === 'authorization'
      ? (['authorization'] as const)
      : (['ciba', 'capture-url'] as const)
  const { ofApplication, ofSubscriber } = await db
    .selectFrom('consent.capture')
    .select((eb) => [
      eb.fn.countAll<number>().as('ofSubscriber'),
      eb.fn
        .countAll<number>()
        .filterWhere((one) =>
          one.and([one('application_id', '=', of.applicationId), one('purpose', '=', of.purpose)]),
        )
        .as('ofApplication'),
    ])
    .where('environment', '=', of.environment)
    .where('subject', '=', of.subject)
    .where('channel', 'in', [...channels])
    .where('created_at', '>', since)
    .executeTakeFirstOrThrow()
  return { ofApplication, ofSubscriber }
}

/** Unanswered and in time. */
export async function findOpenCapture(
  db: Db,
  tokenHash: string,
  now: Date,
): Promise<CaptureRow | undefined> {
  return await db
    .selectFrom('consent.capture')
    .selectAll()
    .where('token_hash', '=', tokenHash)
    .where('answered_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
}

/** Over without an answer: by its time, or because its subscriber was erased. */
export async function findMissedCapture(
  db: Db,
  tokenHash: string,
  now: Date,
): Promise<CaptureRow | undefined> {
  return await db
    .selectFrom('consent.capture')
    .selectAll()
    .where('token_hash', '=', tokenHash)
    .where('answer', 'is', null)
    .where((eb) => eb.or([eb('expires_at', '<=', now), eb('answered_at', 'is not', null)]))
    .executeTakeFirst()
}

/** Of any number of tries at once, one gets it. Its sealed number is not needed any more. */
export async function takeCapture(
  db: Db,
  tokenHash: string,
  answer: 'allow' | 'refuse',
  now: Date,
): Promise<CaptureRow | undefined> {
  return await db
    .updateTable('consent.capture')
    .set({ answered_at: now, answer, sealed_number: null })
    .where('token_hash', '=', tokenHash)
    .where('answered_at', 'is', null)
    .where('expires_at', '>', now)
    .returningAll()
    .executeTakeFirst()
}

export async function noteShown(
  db: Db,
  shown: { captureId: string; textHash: string; locale: string; at: Date },
): Promise<void> {
  await db
    .insertInto('consent.shown')
    .values({
      capture_id: shown.captureId,
      text_hash: shown.textHash,
      locale: shown.locale,
      at: shown.at,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function wasShown(
  db: Db,
  captureId: string,
  text: { textHash: string; locale: string },
): Promise<boolean> {
  const row = await db
    .selectFrom('consent.shown')
    .select('at')
    .where('capture_id', '=', captureId)
    .where('text_hash', '=', text.textHash)
    .where('locale', '=', text.locale)
    .executeTakeFirst()
  return row !== undefined
}

/** Numbers of questions that ran out. */
export async function forgetNumbers(db: Db, now: Date): Promise<void> {
  await db
    .updateTable('consent.capture')
    .set({ sealed_number: null })
    .where('sealed_number', 'is not', null)
    .where('expires_at', '<=', now)
    .execute()
}

/** Ends the open questions of an application. */
export async function closeCaptures(db: Db, applicationId: string, now: Date): Promise<void> {
  await db
    .updateTable('consent.capture')
    .set({ expires_at: now, sealed_number: null })
    .where('application_id', '=', applicationId)
    .where('answered_at', 'is', null)
    .where('expires_at', '>', now)
    .execute()
}
