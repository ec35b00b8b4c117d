import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'

/**
 * A gateway process as it last told of itself.
 * @public
 */
export type Member = {
  environment: Environment
  gatewayId: string
  /** URL of its internal listener */
  address: string
  revision: number
  startedAt: Date
  seenAt: Date
  /** seen within the last few seconds, by the clock of the database */
  live: boolean
}

const liveWithinSeconds = 5

/**
 * The gateway processes that were seen within the last hour.
 * @param database of control
 * @public
 */
export async function readMembers(database: DatabasePool): Promise<Member[]> {
  const { rows } = await database.pool.query<Member>(
    `select environment, gateway_id as "gatewayId", address, revision::float8 as revision,
       started_at as "startedAt", seen_at as "seenAt", seen_at > now() - make_interval(secs => $1) as live
     from gateway.member where seen_at > now() - interval '1 hour' order by environment, gateway_id`,
    [liveWithinSeconds],
  )
  return rows
}
