import { sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { Database } from '#platform/database'

/** @public */
export type SubscriberTables = {
  'authorization.subscriber_code': {
    id_hash: string
    environment: Environment
    subject: string
    code_hash: string
    tries: number
    expires_at: Date
    used_at: Date | null
  }
  'authorization.subscriber_session': {
    id_hash: string
    environment: Environment
    subject: string
    seen_at: Date
    expires_at: Date
  }
}

type Db = Database<SubscriberTables>

export async function addCode(
  db: Db,
  code: {
    idHash: string
    environment: Environment
    subject: string
    codeHash: string
    expiresAt: Date
  },
): Promise<void> {
  await db
    .insertInto('authorization.subscriber_code')
    .values({
      id_hash: code.idHash,
      environment: code.environment,
      subject: code.subject,
      code_hash: code.codeHash,
      tries: 0,
      expires_at: code.expiresAt,
      used_at: null,
    })
    .execute()
}

/**
 * One try at a code: it is counted before it is compared, so that simultaneous tries are no more than the rule allows.
 * @returns whose code it was, when it was the right one; it works once
 */
export async function tryCode(
  db: Db,
  attempt: {
    idHash: string
    environment: Environment
    codeHash: string
    maxTries: number
    now: Date
  },
): Promise<string | undefined> {
  const { idHash, environment, codeHash, maxTries, now } = attempt
  const row = await db
    .updateTable('authorization.subscriber_code')
    .set({
      tries: sql<number>`tries + 1`,
      used_at: sql<Date | null>`case when code_hash = ${codeHash} then ${now}::timestamptz end`,
    })
    .where('id_hash', '=', idHash)
    .where('environment', '=', environment)
    .where('used_at', 'is', null)
    .where('tries', '<', maxTries)
    .where('expires_at', '>', now)
    .returning(['subject', 'used_at'])
    .executeTakeFirst()
  return row?.used_at == null ? undefined : row.subject
}

export async function addSession(
  db: Db,
  session: {
    idHash: string
    environment: Environment
    subject: string
    now: Date
    expiresAt: Date
  },
): Promise<void> {
  await db
    .insertInto('authorization.subscriber_session')
    .values({
      id_hash: session.idHash,
      environment: session.environment,
      subject: session.subject,
      seen_at: session.now,
      expires_at: session.expiresAt,
    })
    .execute()
}

/** Whose session it is, while it lives; being asked keeps it alive. */
export async function touchSession(
  db: Db,
  session: { idHash: string; environment: Environment; now: Date; idleSince: Date },
): Promise<string | undefined> {
  const row = await db
    .updateTable('authorization.subscriber_session')
    .set({ seen_at: session.now })
    .where('id_hash', '=', session.idHash)
    .where('environment', '=', session.environment)
    .where('seen_at', '>', session.idleSince)
    .where('expires_at', '>', session.now)
    .returning('subject')
    .executeTakeFirst()
  return row?.subject
}

export async function endSession(db: Db, idHash: string): Promise<void> {
  await db.deleteFrom('authorization.subscriber_session').where('id_hash', '=', idHash).execute()
}

/** Forgets what can no longer be used, a few thousand at a time. */
export async function forgetExpired(db: Db, now: Date): Promise<void> {
  for (const table of [
    'authorization.subscriber_code',
    'authorization.subscriber_session',
  ] as const) {
    await sql`delete from ${sql.table(table)} where ctid in (
      select ctid from ${sql.table(table)} where expires_at < ${now} limit 5000)`.execute(db)
  }
}
