import type { Kysely, Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import type { Identifying } from './needs.ts'
import { newSecret } from './secrets.ts'
import type { IdentityTables, LinkPurpose } from './tables.ts'

type Db = Kysely<IdentityTables>

const minute = 60_000

/** How long a link can be used after it was sent or printed. */
const linkLifetimeMs = {
  recovery: 30 * minute,
  'email-verification': 3 * 24 * 60 * minute,
  invitation: 7 * 24 * 60 * minute,
  'staff-invitation': 3 * 24 * 60 * minute,
  'first-operator': 15 * minute,
} as const satisfies Record<LinkPurpose, number>

const hashOf = (sealing: Identifying['sealing'], purpose: LinkPurpose, token: string): string =>
  sealing.keyedHash(`link:${purpose}`, token)

/**
 * A new link beside those that are still open, so that nobody ends another's link by asking for one more.
 * @returns its token, which is stored as a hash only
 */
export async function issueLink(
  { sealing, clock }: Pick<Identifying, 'sealing' | 'clock'>,
  db: Db,
  purpose: LinkPurpose,
  subjectId: string,
): Promise<string> {
  const token = newSecret()
  const now = clock.now()
  await db
    .insertInto('identity.link')
    .values({
      token_hash: hashOf(sealing, purpose, token),
      purpose,
      subject_id: subjectId,
      created_at: now,
      expires_at: new Date(now.getTime() + linkLifetimeMs[purpose]),
    })
    .execute()
  return token
}

/** @returns whom or what an open link is about, without using it up */
export async function peekLink(
  { sealing, clock }: Pick<Identifying, 'sealing' | 'clock'>,
  db: Db,
  purpose: LinkPurpose,
  token: string,
): Promise<string | undefined> {
  const link = await db
    .selectFrom('identity.link')
    .select('subject_id')
    .where('token_hash', '=', hashOf(sealing, purpose, token))
    .where('purpose', '=', purpose)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  return link?.subject_id
}

/**
 * Uses a link up, and with it all other open ones of the same purpose and subject. Of any number of simultaneous uses
 * one succeeds: the row is deleted once.
 */
export async function consumeLink(
  identifying: Pick<Identifying, 'sealing' | 'clock'>,
  trx: Transaction<IdentityTables>,
  purpose: LinkPurpose,
  token: string,
): Promise<string | undefined> {
  const subjectId = await peekLink(identifying, trx, purpose, token)
  if (subjectId === undefined) return undefined
  // Two links of one person, used at once, would otherwise wait for each other's rows.
  await lockFor(trx, `identity.link.${purpose}.${subjectId}`)
  const used = await trx
    .deleteFrom('identity.link')
    .where('token_hash', '=', hashOf(identifying.sealing, purpose, token))
    .executeTakeFirst()
  if (used.numDeletedRows === 0n) return undefined
  await deleteLinks(trx, purpose, subjectId)
  return subjectId
}

export const deleteLinks = (db: Db, purpose: LinkPurpose, subjectId: string) =>
  db
    .deleteFrom('identity.link')
    .where('purpose', '=', purpose)
    .where('subject_id', '=', subjectId)
    .execute()

export const deleteExpiredLinks = (db: Db, now: Date) =>
  db.deleteFrom('identity.link').where('expires_at', '<=', now).execute()
