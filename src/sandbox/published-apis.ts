import type { ApiEntry, SnapshotChange } from '#snapshot'
import { type DocumentedOperation, documentedOperation } from './documented-operation.ts'

/** The operation that a request is for. */
type Matched = {
  api: ApiEntry
  documented: DocumentedOperation
  pathParameters: Readonly<Record<string, string>>
}

type Route = {
  method: string
  segments: readonly string[]
  documented: DocumentedOperation
}
type Published = { api: ApiEntry; routes: readonly Route[] }

/** The published APIs of the sandbox, as the snapshot tells them. */
export interface PublishedApis {
  apply(changes: Iterable<SnapshotChange>, complete: boolean): void
  /** @returns undefined when no published document has such an operation */
  match(method: string, path: string): Matched | undefined
}

export function createPublishedApis(): PublishedApis {
  const byId = new Map<string, Published>()
  let byBasePath = new Map<string, Published>()
  return {
    apply(changes, complete) {
      if (complete) byId.clear()
      for (const change of changes) {
        if (change.kind !== 'api') continue
        if (change.entry?.kind === 'api') byId.set(change.id, publish(change.entry))
        else byId.delete(change.id)
      }
      byBasePath = new Map([...byId.values()].map((p) => [p.api.basePath, p]))
    },
    match(method, path) {
      const found = withBasePath(byBasePath, path)
      if (found === undefined) return undefined
      const segments = segmentsOf(path.slice(found.api.basePath.length))
      for (const route of found.routes) {
        const pathParameters = route.method === method ? matchSegments(route, segments) : undefined
        if (pathParameters !== undefined) {
          return { api: found.api, documented: route.documented, pathParameters }
        }
      }
      return undefined
    },
  }
}

const segmentsOf = (path: string): string[] => path.split('/').slice(1)
const isParameter = (segment: string): boolean => segment.startsWith('{') && segment.endsWith('}')

/** A literal segment goes before a parameter: `/payments/prepare` is not the payment called `prepare`. */
function publish(api: ApiEntry): Published {
  const routes = api.operations.map((operation) => ({
    method: operation.method,
    segments: segmentsOf(operation.path),
    documented: documentedOperation(api, operation),
  }))
  const order = (route: Route): string =>
    route.segments.map((segment) => (isParameter(segment) ? '1' : '0')).join('')
  return { api, routes: routes.sort((a, b) => (order(a) < order(b) ? -1 : 1)) }
}

function withBasePath(apis: ReadonlyMap<string, Published>, path: string): Published | undefined {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const found = apis.get(path.slice(0, end))
    if (found !== undefined) return found
  }
  return undefined
}

function matchSegments(
  route: Route,
  segments: readonly string[],
): Record<string, string> | undefined {
  if (route.segments.length !== segments.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, wanted] of route.segments.entries()) {
    const given = segments[index] ?? ''
    if (isParameter(wanted)) {
      const value = decode(given)
      if (value === undefined || value === '') return undefined
      parameters[wanted.slice(1, -1)] = value
    } else if (wanted !== given) return undefined
  }
  return parameters
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
