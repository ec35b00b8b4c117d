import { type Kysely, type RawBuilder, sql } from 'kysely'
import { Type } from 'typebox'
import type { Environment } from '#platform/config'
import type { Routes } from '#platform/http-server'
import { listOf, offsetOf, PageQuery, paginate } from '#platform/lists'
import { VersionUsage } from './schema.ts'
import type { MeteringTables } from './tables.ts'

const dayMs = 86_400_000
/** Who has not called for so long is not counted among those who use a version. */
const usedWithinDays = 90

const VersionParams = Type.Object({
  apiName: Type.String({ pattern: '^[a-z][a-z0-9-]*$', maxLength: 64 }),
  version: Type.String({ pattern: '^v[a-z0-9.]+$', maxLength: 32 }),
})
const VersionUsageQuery = Type.Object(
  {
    ...PageQuery.properties,
    environment: Type.Optional(VersionUsage.properties.environment),
    days: Type.Integer({ minimum: 1, maximum: usedWithinDays, default: 30 }),
  },
  { additionalProperties: false },
)

export function createVersionUsageRoutes(db: Kysely<MeteringTables>, now: () => Date): Routes {
  return (server) => {
    server.get(
      '/apis/:apiName/versions/:version/usage',
      {
        config: { access: 'api-use.read' },
        schema: {
          operationId: 'listVersionUsage',
          summary: 'Who uses an API version: partners by their last call, newest first',
          description: `Partners that called within ${usedWithinDays} days, with their calls of the last \`days\`. The last call is known to the quarter of an hour.`,
          tags: ['usage'],
          params: VersionParams,
          querystring: VersionUsageQuery,
          response: { 200: listOf(VersionUsage) },
        },
      },
      async ({ params, query }) => {
        const present = now().getTime()
        const { rows } = await versionUsageQuery({
          apiId: `${params.apiName}/${params.version}`,
          environment: query.environment,
          usedSince: new Date(present - usedWithinDays * dayMs),
          countedSince: new Date(present - query.days * dayMs),
          limit: query.perPage,
          offset: offsetOf(query),
        }).execute(db)
        const items = rows.map((row) => ({
          partnerId: row.partner_id,
          environment: row.environment,
          applications: row.applications,
          calls: row.calls,
          units: row.units,
          lastUsedAt: row.last_used_at.toISOString(),
        }))
        return paginate(items, rows[0]?.total ?? 0, query)
      },
    )
  }
}

type VersionUsageRow = {
  partner_id: string
  environment: Environment
  applications: number
  calls: number
  units: number
  last_used_at: Date
  total: number
}

/** Sums of the meters of one version: an index finds those, and the sums of each are beside each other. */
export const versionUsageQuery = (ask: {
  apiId: string
  environment: Environment | undefined
  usedSince: Date
  countedSince: Date
  limit: number
  offset: number
}): RawBuilder<VersionUsageRow> => sql<VersionUsageRow>`
  select m.partner_id, m.environment, count(distinct m.application_id)::int as applications,
    coalesce(sum(r.calls) filter (where r.bucket >= ${ask.countedSince}), 0)::bigint as calls,
    coalesce(sum(r.units) filter (where r.bucket >= ${ask.countedSince}), 0)::bigint as units,
    max(r.bucket) as last_used_at, (count(*) over ())::int as total
  from metering.meter m join metering.rollup r on r.meter_id = m.id
  where m.api_id = ${ask.apiId} and m.application_id <> '' and r.bucket >= ${ask.usedSince}
    ${ask.environment === undefined ? sql`` : sql`and m.environment = ${ask.environment}`}
  group by m.partner_id, m.environment
  order by last_used_at desc, m.partner_id, m.environment
  limit ${ask.limit} offset ${ask.offset}`

/** The partners that called a version since then, in either environment. */
export async function partnersUsing(
  db: Kysely<MeteringTables>,
  apiId: string,
  since: Date,
): Promise<string[]> {
  const { rows } = await sql<{ partner_id: string }>`
    select distinct m.partner_id from metering.meter m
    where m.api_id = ${apiId} and m.application_id <> ''
      and exists (select 1 from metering.rollup r where r.meter_id = m.id and r.bucket >= ${since})
    order by 1`.execute(db)
  return rows.map((row) => row.partner_id)
}
