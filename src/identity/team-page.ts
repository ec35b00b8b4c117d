import { type Expression, type Kysely, sql } from 'kysely'
import type { IdentityTables } from './tables.ts'

export type Page = { limit: number; offset: number }

/** Of a team, which is people and open invitations, the oldest first. */
export async function pageOfTeam<Row>(
  db: Kysely<IdentityTables>,
  team: Expression<unknown>,
  { limit, offset }: Page,
): Promise<{ rows: Row[]; total: number }> {
  const [{ rows }, count] = await Promise.all([
    sql<Row>`select * from (${team}) team order by created_at, id limit ${limit} offset ${offset}`.execute(
      db,
    ),
    sql<{ total: number }>`select count(*)::int as total from (${team}) team`.execute(db),
  ])
  return { rows, total: count.rows[0]?.total ?? 0 }
}
