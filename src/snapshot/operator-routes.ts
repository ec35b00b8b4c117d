import type { Environment } from '#platform/config'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { readHeads } from './store.ts'
import type { SnapshotTables } from './tables.ts'

type Serving = {
  environment: Environment
  gatewayId: string
  revision: number
  seenAt: Date
  live: boolean
}

/** @param members the gateway processes, as they announced themselves */
export function operatorRoutes(platform: Platform, members: () => Promise<Serving[]>): Routes {
  return async (server) => {
    // Gateways have this module too, and no need of schemas.
    const { Type } = await import('typebox')
    const Head = Type.Object({
      environment: Type.Union([Type.Literal('sandbox'), Type.Literal('production')]),
      revision: Type.Integer(),
      /** the gateway processes that live, with the revision that each serves */
      gateways: Type.Array(
        Type.Object({
          gatewayId: Type.String(),
          revision: Type.Integer(),
          seenAt: Type.String({ format: 'date-time' }),
        }),
      ),
    })
    server.get(
      '/snapshot',
      {
        config: { access: 'gateway.read' },
        schema: {
          operationId: 'getSnapshot',
          summary:
            'The revision that the control side has published, and the one that each gateway serves',
          tags: ['Snapshot'],
          response: { 200: Type.Object({ items: Type.Array(Head) }) },
        },
      },
      async () => {
        const [heads, all] = await Promise.all([
          readHeads(platform.database.as<SnapshotTables>()),
          members(),
        ])
        return {
          items: heads.map(({ environment, revision }) => ({
            environment,
            revision,
            gateways: all
              .filter((one) => one.live && one.environment === environment)
              .map((one) => ({
                gatewayId: one.gatewayId,
                revision: one.revision,
                seenAt: one.seenAt.toISOString(),
              })),
          })),
        }
      },
    )
  }
}
