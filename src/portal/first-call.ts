import type { Config } from '#platform/config'
import type { CatalogView } from './api-directory.ts'
import { sampleCall, startingBody } from './operation-call.ts'
import { curlSample } from './samples/index.ts'
import type { ApiPage, OperationPage, TestNumber } from './schema.ts'

/** APIs that answer with something worth seeing, best first; any other published one serves as well. */
const preferred = ['sim-swap', 'location-verification']

/** The call that a reader makes first. */
export function firstOperation(
  view: CatalogView,
): { api: ApiPage; operation: OperationPage } | undefined {
  const published = view.apis.filter((api) => api.lifecycle === 'published')
  const ranked = preferred.flatMap((name) => published.filter((api) => api.name === name))
  for (const api of [...ranked, ...published]) {
    const operation =
      api.operations.find((o) => o.operationId === 'checkSimSwap') ??
      api.operations.find((o) => !o.path.includes('{') && o.requestBody?.example !== undefined) ??
      api.operations.find((o) => !o.path.includes('{'))
    if (operation !== undefined) return { api, operation }
  }
  return undefined
}

/** The same as a line for a shell, with places for the reader's own two values. */
export function firstCall(
  config: Config,
  view: CatalogView,
  numbers: readonly TestNumber[],
): { apiId: string; operationId: string; title: string; curl: string; body?: unknown } | undefined {
  const first = firstOperation(view)
  if (first === undefined) return undefined
  const { api, operation } = first
  const body = startingBody(operation, numbers)
  return {
    apiId: api.id,
    operationId: operation.operationId,
    title: operation.summary || operation.operationId,
    curl: curlSample(sampleCall(config, api, operation, numbers)),
    ...(body === undefined ? {} : { body }),
  }
}
