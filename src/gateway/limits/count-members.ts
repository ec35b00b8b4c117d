import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'
import { queryWithin } from '../payload/query-within.ts'

const answerWithinMs = 250

/**
 * How many gateway processes have announced themselves in PostgreSQL within the last minute.
 * @param database with the role of this environment's gateway
 * @throws when there is no answer in time
 * @public
 */
export async function countMembers(
  database: DatabasePool,
  environment: Environment,
): Promise<number> {
  const query = {
    name: `count-members-${environment}`,
    text: `select gateway.count_${environment}_members() as members`,
  }
  const { rows } = await queryWithin<{ members: number }>(database.pool, query, answerWithinMs)
  return rows[0]?.members ?? 0
}
