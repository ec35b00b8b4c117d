import type { Kysely, Transaction } from 'kysely'
import type { SandboxTables } from './tables.ts'

type Db = Kysely<SandboxTables> | Transaction<SandboxTables>

export type Message = {
  id: string
  applicationId: string
  phoneNumber: string
  text: string
  receivedAt: Date
}

export type OneTimePassword = {
  authenticationId: string
  applicationId: string
  phoneNumber: string
  code: string
  sentAt: Date
  expiresAt: Date
}

export async function addMessage(db: Db, message: Message): Promise<void> {
  await db
    .insertInto('sandbox.message')
    .values({
      id: message.id,
      application_id: message.applicationId,
      phone_number: message.phoneNumber,
      text: message.text,
      received_at: message.receivedAt,
    })
    .execute()
}

/** Newest first. */
export async function listMessages(
  db: Db,
  filter: { applicationIds: readonly string[]; phoneNumber: string | undefined },
  page: { limit: number; offset: number },
): Promise<{ items: Message[]; total: number }> {
  if (filter.applicationIds.length === 0) return { items: [], total: 0 }
  let matching = db
    .selectFrom('sandbox.message')
    .where('application_id', 'in', [...filter.applicationIds])
  if (filter.phoneNumber !== undefined) {
    matching = matching.where('phone_number', '=', filter.phoneNumber)
  }
  const [rows, count] = await Promise.all([
    matching
      .selectAll()
      .orderBy('received_at', 'desc')
      .orderBy('id', 'desc')
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    matching.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  const items = rows.map((row) => ({
    id: row.id,
    applicationId: row.application_id,
    phoneNumber: row.phone_number,
    text: row.text,
    receivedAt: row.received_at,
  }))
  return { items, total: count.total }
}

export async function addOneTimePassword(db: Db, otp: OneTimePassword): Promise<void> {
  await db
    .insertInto('sandbox.one_time_password')
    .values({
      authentication_id: otp.authenticationId,
      application_id: otp.applicationId,
      phone_number: otp.phoneNumber,
      code: otp.code,
      sent_at: otp.sentAt,
      expires_at: otp.expiresAt,
      wrong_attempts: 0,
      used_at: null,
    })
    .execute()
}

export async function countCodesSince(
  db: Db,
  applicationId: string,
  phoneNumber: string,
  since: Date,
): Promise<number> {
  const { total } = await db
    .selectFrom('sandbox.one_time_password')
    .select((eb) => eb.fn.countAll<number>().as('total'))
    .where('application_id', '=', applicationId)
    .where('phone_number', '=', phoneNumber)
    .where('sent_at', '>', since)
    .executeTakeFirstOrThrow()
  return total
}

/** What a try at a code is about; a code is live while it is unused, in time and has tries left. */
export type Try = {
  authenticationId: string
  applicationId: string
  code: string
  now: Date
  maxWrong: number
}

/** Uses the code up, if it is the right one and live: of any number of tries at once, one succeeds. */
export async function consumeCode(db: Db, attempt: Try): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('sandbox.one_time_password')
    .set({ used_at: attempt.now })
    .where('authentication_id', '=', attempt.authenticationId)
    .where('application_id', '=', attempt.applicationId)
    .where('used_at', 'is', null)
    .where('wrong_attempts', '<', attempt.maxWrong)
    .where('expires_at', '>', attempt.now)
    .where('code', '=', attempt.code)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

/** Counts a wrong try against a live code. */
export async function countWrongTry(db: Db, attempt: Try): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('sandbox.one_time_password')
    .set((eb) => ({ wrong_attempts: eb('wrong_attempts', '+', 1) }))
    .where('authentication_id', '=', attempt.authenticationId)
    .where('application_id', '=', attempt.applicationId)
    .where('used_at', 'is', null)
    .where('wrong_attempts', '<', attempt.maxWrong)
    .where('expires_at', '>', attempt.now)
    .where('code', '<>', attempt.code)
    .executeTakeFirst()
  return numUpdatedRows === 1n
}

export async function findCodeState(
  db: Db,
  authenticationId: string,
  applicationId: string,
): Promise<{ used: boolean; wrongAttempts: number; expiresAt: Date } | undefined> {
  const row = await db
    .selectFrom('sandbox.one_time_password')
    .select(['used_at', 'wrong_attempts', 'expires_at'])
    .where('authentication_id', '=', authenticationId)
    .where('application_id', '=', applicationId)
    .executeTakeFirst()
  return row === undefined
    ? undefined
    : {
        used: row.used_at !== null,
        wrongAttempts: row.wrong_attempts,
        expiresAt: row.expires_at,
      }
}

/** One thing that an application made. */
export type ThingKey = { applicationId: string; resource: string; id: string }

export async function addThing(db: Db, key: ThingKey, body: string, madeAt: Date): Promise<void> {
  await db
    .insertInto('sandbox.thing')
    .values({
      application_id: key.applicationId,
      resource: key.resource,
      id: key.id,
      body,
      made_at: madeAt,
    })
    // An id that the document fixes: what was made last is there.
    .onConflict((conflict) =>
      conflict.columns(['application_id', 'resource', 'id']).doUpdateSet({ body, made_at: madeAt }),
    )
    .execute()
}

export async function findThing(db: Db, key: ThingKey): Promise<string | undefined> {
  const row = await db
    .selectFrom('sandbox.thing')
    .select('body')
    .where('application_id', '=', key.applicationId)
    .where('resource', '=', key.resource)
    .where('id', '=', key.id)
    .executeTakeFirst()
  return row?.body
}

/** The latest first. */
export async function listThings(
  db: Db,
  of: Omit<ThingKey, 'id'>,
  most: number,
): Promise<string[]> {
  const rows = await db
    .selectFrom('sandbox.thing')
    .select('body')
    .where('application_id', '=', of.applicationId)
    .where('resource', '=', of.resource)
    .orderBy('made_at', 'desc')
    .orderBy('id')
    .limit(most)
    .execute()
  return rows.map(({ body }) => body)
}

export async function removeThing(db: Db, key: ThingKey): Promise<void> {
  await db
    .deleteFrom('sandbox.thing')
    .where('application_id', '=', key.applicationId)
    .where('resource', '=', key.resource)
    .where('id', '=', key.id)
    .execute()
}

export async function deleteOlderThan(db: Db, moment: Date): Promise<void> {
  await db.deleteFrom('sandbox.thing').where('made_at', '<', moment).execute()
  await db.deleteFrom('sandbox.message').where('received_at', '<', moment).execute()
  await db.deleteFrom('sandbox.one_time_password').where('sent_at', '<', moment).execute()
}
