import { Type } from 'typebox'
import type { Environment } from '#platform/config'
import type { Routes } from '#platform/http-server'
import type { readUsage } from './read-usage.ts'
import { Usage } from './schema.ts'
import type { UsageFilter } from './usage-store.ts'
import { utcDay } from './utc-day.ts'

// No identifier has a NUL, which PostgreSQL could not read.
const Reference = Type.Optional(Type.String({ maxLength: 160, pattern: '^[^\\u0000]*$' }))
const UsageQuery = Type.Object(
  {
    from: Type.Optional(Type.String({ format: 'date' })),
    to: Type.Optional(Type.String({ format: 'date' })),
    tz: Type.Optional(Type.String({ maxLength: 64 })),
    environment: Type.Optional(Type.Union([Type.Literal('sandbox'), Type.Literal('production')])),
    partnerId: Reference,
    applicationId: Reference,
    apiId: Reference,
  },
  { additionalProperties: false },
)
const defaultDays = 30
const dayMs = 86_400_000

export function createUsageRoutes(options: {
  now: () => Date
  read: (filter: UsageFilter) => ReturnType<typeof readUsage>
}): Routes {
  return (server) => {
    server.get(
      '/usage',
      {
        config: { access: 'usage.read' },
        schema: {
          operationId: 'getUsage',
          summary: 'Calls, units and exact amounts by day, application, API, operation and status',
          description:
            'Days are of the time zone `tz` (UTC), `from` and `to` included; the last 30 days when absent. A partner sees its own.',
          tags: ['usage'],
          querystring: UsageQuery,
          response: { 200: Usage },
        },
      },
      async ({ actor, query }) => {
        const timeZone = query.tz ?? 'UTC'
        const to = query.to ?? today(options.now(), timeZone)
        const from = query.from ?? utcDay(Date.parse(to) - (defaultDays - 1) * dayMs)
        const environment: Environment | undefined = query.environment
        const filter = {
          from,
          to,
          timeZone,
          environment,
          applicationId: query.applicationId,
          apiId: query.apiId,
        }
        if (actor.kind !== 'partner')
          return await options.read({ ...filter, partnerId: query.partnerId })
        // Another partner's usage is nothing, as that of a partner which does not exist.
        const own = query.partnerId === undefined || query.partnerId === actor.partnerId
        return await options.read({ ...filter, partnerId: own ? actor.partnerId : 'prt_none' })
      },
    )
  }
}

/** The present day of a time zone; of UTC when there is no such zone, which the reading then refuses. */
function today(now: Date, timeZone: string): string {
  try {
    return new Intl.DateTimeFormat('en-CA', { timeZone }).format(now)
  } catch {
    return utcDay(now.getTime())
  }
}
