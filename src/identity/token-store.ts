import type { Kysely } from 'kysely'
import type { IdentityTables, TokenRow } from './tables.ts'

type Db = Kysely<IdentityTables>

const touchMs = 60_000

export const insertToken = (db: Db, row: TokenRow) =>
  db.insertInto('identity.token').values(row).execute()

/** @returns the token unless it has ended, touched at most once a minute */
export async function touchToken(
  db: Db,
  secretHash: string,
  now: Date,
): Promise<TokenRow | undefined> {
  const token = await db
    .selectFrom('identity.token')
    .selectAll()
    .where('secret_hash', '=', secretHash)
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', now)]))
    .executeTakeFirst()
  if (token === undefined) return undefined
  const touchBefore = new Date(now.getTime() - touchMs)
  if (token.last_used_at === null || token.last_used_at <= touchBefore) {
    await db
      .updateTable('identity.token')
      .set({ last_used_at: now })
      .where('id', '=', token.id)
      .execute()
  }
  return token
}

/** Whose tokens: those of one person, or all of a partner or of the operator. */
export type TokenOwner =
  | { personId: string }
  | { kind: 'partner'; partnerId: string }
  | { kind: 'operator' }

const tokensOf = (db: Db, owner: TokenOwner) => {
  const tokens = db.selectFrom('identity.token')
  if ('personId' in owner) return tokens.where('person_id', '=', owner.personId)
  const ofKind = tokens.where('kind', '=', owner.kind)
  return owner.kind === 'partner' ? ofKind.where('partner_id', '=', owner.partnerId) : ofKind
}

export async function listTokens(
  db: Db,
  owner: TokenOwner,
  page: { limit: number; offset: number },
): Promise<{ rows: TokenRow[]; total: number }> {
  const tokens = tokensOf(db, owner)
  const [rows, count] = await Promise.all([
    tokens
      .selectAll()
      .orderBy('created_at')
      .orderBy('id')
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    tokens.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: count.total }
}

export const findToken = (db: Db, owner: TokenOwner, id: string): Promise<TokenRow | undefined> =>
  tokensOf(db, owner).selectAll().where('id', '=', id).executeTakeFirst()

/** @returns whether it was there */
export async function deleteToken(db: Db, id: string): Promise<boolean> {
  const result = await db.deleteFrom('identity.token').where('id', '=', id).executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** For so long after its end its maker still finds it in the list. */
const shownAfterMs = 30 * 24 * 3_600_000

export const deleteExpiredTokens = (db: Db, now: Date) =>
  db
    .deleteFrom('identity.token')
    .where('expires_at', '<=', new Date(now.getTime() - shownAfterMs))
    .execute()
