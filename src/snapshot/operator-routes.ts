import { Type } from 'typebox'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { readHeads } from './store.ts'
import type { SnapshotTables } from './tables.ts'

const Head = Type.Object({
  environment: Type.Union([Type.Literal('sandbox'), Type.Literal('production')]),
  revision: Type.Integer(),
})

export function operatorRoutes(platform: Platform): Routes {
  return (server) => {
    server.get(
      '/snapshot',
      {
        config: { access: 'operator' },
        schema: {
          operationId: 'getSnapshot',
          summary: 'The revision that the control side has published, by environment',
          tags: ['Snapshot'],
          response: { 200: Type.Object({ items: Type.Array(Head) }) },
        },
      },
      async () => ({
        items: (await readHeads(platform.database.as<SnapshotTables>())).map(
          ({ environment, revision }) => ({
            environment,
            revision,
          }),
        ),
      }),
    )
  }
}
