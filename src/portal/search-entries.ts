import { errorCodes } from '#platform/error-codes'
import type { CatalogView } from './api-directory.ts'
import type { SearchEntry } from './schema.ts'

const guides: readonly Omit<SearchEntry, 'id' | 'kind'>[] = [
  {
    title: 'Getting started',
    text: 'sign up keys token first call curl production quickstart',
    url: '/getting-started',
  },
  {
    title: 'Sandbox test numbers',
    text: 'magic numbers +990 simulator subscribers',
    url: '/sandbox',
  },
  { title: 'Error codes', text: 'errors retry status', url: '/errors' },
  { title: 'Your applications and keys', text: 'credentials client id secret usage', url: '/app' },
]

/** Everything that the search of the pages can find. */
export function searchEntries(view: CatalogView): SearchEntry[] {
  const apis = view.apis.map(
    (api): SearchEntry => ({
      id: api.id,
      kind: 'API',
      title: `${api.title} ${api.version}`,
      text: `${api.name} ${api.summary} ${api.domain}`,
      url: `/apis/${api.id}`,
    }),
  )
  const operations = view.apis.flatMap((api) =>
    api.operations.map(
      (operation): SearchEntry => ({
        id: `${api.id} ${operation.operationId}`,
        kind: 'Operation',
        title: operation.summary || operation.operationId,
        text: [
          ...words(operation.operationId),
          operation.operationId,
          api.title,
          operation.path,
          ...operation.scopes.flat(),
        ].join(' '),
        url: `/apis/${api.id}/${operation.operationId}`,
      }),
    ),
  )
  const codes = Object.entries(errorCodes).map(
    ([code, { status, meaning }]): SearchEntry => ({
      id: code,
      kind: 'Error',
      title: code,
      text: `${status} ${meaning}`,
      url: `/errors/${code}`,
    }),
  )
  return [
    ...apis,
    ...guides.map((guide): SearchEntry => ({ id: guide.url, kind: 'Guide', ...guide })),
    ...operations,
    ...codes,
  ]
}

/** `checkSimSwap` is found by "sim swap" and by "simswap". */
const words = (name: string): string[] => {
  const parts = name.replace(/([a-z0-9])([A-Z])/g, '$1 $2').split(' ')
  return [...parts, ...parts.slice(1).map((part, index) => `${parts[index]}${part}`)]
}
