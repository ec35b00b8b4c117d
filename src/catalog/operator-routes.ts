import { AppError } from '#platform/app-error'
import type { Routes } from '#platform/http-server'
import type { Platform } from '#platform/module'
import { changeLifecycle, noSuchApi } from './change-lifecycle.ts'
import type { Checker } from './checker.ts'
import { toSummary } from './present.ts'
import { VersionParams } from './public-routes.ts'
import { publishApi } from './publish-api.ts'
import { ChangedApi, type DocumentFault, LifecycleChange, NewApi, PublishedApi } from './schema.ts'
import { findApi } from './store.ts'
import type { CatalogTables } from './tables.ts'

const tags = ['APIs']

/** How long an answer waits for those who compile what gateways serve, so that the next call finds it. */
const settleMs = 700

/** What only the operator's staff may do with the catalog. */
export function operatorRoutes(platform: Platform, checker: Checker): Routes {
  const db = platform.database.as<CatalogTables>()
  return (server) => {
    server.post(
      '/apis',
      {
        config: { access: 'api.publish' },
        // The two texts as JSON strings, escapes included.
        bodyLimit: 3 * 1_048_576,
        schema: {
          operationId: 'publishApi',
          summary: 'Publish an API version: an OpenAPI document and its product.yaml, as texts',
          tags,
          body: NewApi,
          response: { 200: PublishedApi, 201: PublishedApi },
        },
      },
      async ({ body, actor }, reply) => {
        const result = await publishApi(platform, checker, body, actor)
        if ('faults' in result) throw refusal(result.faults)
        const { apiId, lifecycle, changed, created, warnings, eventId } = result
        if (eventId !== undefined) await platform.outbox.settled([eventId], settleMs)
        const [name = '', version = ''] = apiId.split('/')
        if (created) {
          reply.code(201).header('location', `/management/v1/apis/${name}/versions/${version}`)
        }
        return { id: apiId, name, version, lifecycle, changed, warnings }
      },
    )

    server.post(
      '/apis/:apiName/versions/:version/lifecycle',
      {
        config: { access: 'api.change-lifecycle' },
        schema: {
          operationId: 'changeApiLifecycle',
          summary: 'Publish a draft, deprecate, retire or bring back an API version',
          tags,
          params: VersionParams,
          body: LifecycleChange,
          response: { 200: ChangedApi },
        },
      },
      async ({ params, body, actor }) => {
        const apiId = `${params.apiName}/${params.version}`
        const { eventId, warnings } = await changeLifecycle(platform, apiId, body, actor)
        if (eventId !== undefined) await platform.outbox.settled([eventId], settleMs)
        const row = await findApi(db, apiId)
        if (row === undefined) throw noSuchApi()
        return { ...toSummary(row), warnings }
      },
    )
  }
}

/** Every fault with its file, line and column, as one answer. */
function refusal(faults: readonly DocumentFault[]): AppError {
  const violations = faults.map((fault) => ({
    path: `${fault.file}:${fault.line}:${fault.column} ${fault.path}`,
    message: fault.message,
  }))
  const [first] = violations
  const count = faults.length === 1 ? 'is one fault' : `are ${faults.length} faults`
  return new AppError(
    'INVALID_ARGUMENT',
    `Nothing was published: there ${count}. ${first?.path}: ${first?.message}`.slice(0, 512),
    { violations },
  )
}
