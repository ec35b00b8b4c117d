import type { ErrorObject } from 'ajv'
import type { Violation } from '#platform/app-error'
import type { SnapshotParameter } from '#snapshot'
import type { Exchange } from '../exchange.ts'
import type { OperationPolicy } from '../gateway-context.ts'
import { describeFaults, isOnlyOutOfRange } from '../payload/describe-faults.ts'
import { documentsCode } from '../payload/documented-codes.ts'
import { parameterReader } from '../payload/parameter-values.ts'
import { type Refusal, refuse, refuseInput } from '../refusal.ts'

/** OpenAPI 3: these are described elsewhere, and a parameter of these names is ignored. `x-correlator` has its own rule. */
const notParameters = new Set(['accept', 'content-type', 'authorization', 'x-correlator'])

/** @public */
export const isParameter = (parameter: SnapshotParameter): boolean =>
  parameter.in !== 'header' || !notParameters.has(parameter.name.toLowerCase())

/**
 * Path, query and header parameters against the published document. Query names that it does not know are ignored.
 * @public
 */
export const validateParameters: OperationPolicy = (_context, operation) => {
  const documented = operation.documented.parameters.filter(isParameter)
  if (documented.length === 0) return undefined
  const places = (['path', 'query', 'header'] as const).flatMap((place) => {
    const parameters = documented.filter((p) => p.in === place)
    const { schemas } = operation.api
    const readers = parameters.map((parameter) => parameterReader(parameter, schemas))
    return parameters.length > 0 ? [{ place, readers }] : []
  })
  return {
    name: 'validate-parameters',
    apply(exchange) {
      const violations: Violation[] = []
      const errors: ErrorObject[] = []
      for (const { place, readers } of places) {
        const validate = operation.validators.parameters(operation.documented, place)
        const faults = validate(valuesOf(exchange, place, readers))
        if (faults === undefined) continue
        errors.push(...faults)
        violations.push(...describeFaults(faults, place))
      }
      if (violations.length === 0) return undefined
      return outOfRange(errors, operation, violations) ?? refuseInput(violations)
    },
  }
}

/**
 * OUT_OF_RANGE, when a range is all that is violated and the document names that code.
 * @public
 */
export function outOfRange(
  errors: readonly ErrorObject[],
  operation: Parameters<typeof documentsCode>[0],
  violations: readonly Violation[],
): Refusal | undefined {
  if (!isOnlyOutOfRange(errors) || !documentsCode(operation, 400, 'OUT_OF_RANGE')) return undefined
  return refuse('OUT_OF_RANGE', refuseInput(violations).message, { violations })
}

function valuesOf(
  exchange: Exchange,
  place: SnapshotParameter['in'],
  readers: readonly ReturnType<typeof parameterReader>[],
): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null)
  for (const reader of readers) {
    const { name } = reader
    const key = place === 'header' ? name.toLowerCase() : name
    const value =
      place === 'query' ? reader.inQuery(exchange.queryParts) : textAt(exchange, place, key)
    if (value === undefined) continue
    values[key] = place === 'query' || typeof value !== 'string' ? value : reader.fromText(value)
  }
  return values
}

const textAt = (exchange: Exchange, place: SnapshotParameter['in'], key: string): unknown =>
  place === 'path' ? exchange.parameters[key] : exchange.request.headers[key]
