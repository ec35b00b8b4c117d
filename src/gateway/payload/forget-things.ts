import type { Platform } from '#platform/module'

/** As long as anybody may reasonably ask for what was taken away, and longer than ids are given anew. */
const keptDays = 400
const atOnce = 500

/**
 * Forgets who made things that were taken away 400 days ago, a batch at a time and beside others that do the same.
 * @returns how many were forgotten
 * @public
 */
export async function forgetThings({
  database,
  clock,
}: Pick<Platform, 'database' | 'clock'>): Promise<number> {
  const before = new Date(clock.now().getTime() - keptDays * 86_400_000)
  let forgotten = 0
  for (;;) {
    const { rowCount } = await database.pool.query(
      `delete from gateway.resource_owner o where o.ctid = any (array(
         select s.ctid from gateway.resource_owner s where s.deleted_at < $1
         order by s.deleted_at limit $2 for update skip locked))`,
      [before, atOnce],
    )
    forgotten += rowCount ?? 0
    if ((rowCount ?? 0) < atOnce) return forgotten
  }
}
