import { apiDefinitions, compileDefinition, schemaEngine } from '#validation'
import type { OperationParts } from './compile-operations.ts'
import type { CompiledApi } from './compiled-api.ts'
import type { CheckedFile, Path } from './faults.ts'

/**
 * Compiles what a gateway compiles: schemas that are closed, with its patterns and its limits. What it could not serve is
 * a fault of the document, at the place of the schema.
 */
export function checkClosed(
  file: CheckedFile,
  api: Pick<CompiledApi, 'profile' | 'schemas' | 'operations'>,
  parts: readonly OperationParts[],
): void {
  const definitions = apiDefinitions(api)
  const places = placesOf(parts)
  const engine = schemaEngine(definitions, { allErrors: true })
  for (const name of Object.keys(definitions)) {
    const place = places.get(name)
    if (place === undefined) continue
    try {
      compileDefinition(engine, name)
    } catch (error) {
      if (error instanceof RangeError) throw error
      const reason = error instanceof Error ? error.message : String(error)
      file.fault(place, `cannot be compiled for gateways: ${reason.slice(0, 200)}`)
    }
  }
}

function placesOf(parts: readonly OperationParts[]): Map<string, Path> {
  const places = new Map<string, Path>()
  for (const { operationId, at, requestBody, responses } of parts) {
    for (const { mediaType, path } of requestBody?.content ?? [])
      places.set(`request:${operationId}:${mediaType}`, [...path, 'schema'])
    for (const { status, content } of responses)
      for (const { mediaType, path } of content)
        places.set(`response:${operationId}:${status}:${mediaType}`, [...path, 'schema'])
    for (const place of ['path', 'query', 'header'])
      places.set(`${place}:${operationId}`, [...at.at, 'parameters'])
  }
  return places
}
