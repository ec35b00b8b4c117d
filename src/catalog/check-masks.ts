import type { FieldMask, JsonSchema, SnapshotOperation } from './entry.ts'
import {
  type FieldFound,
  findField,
  kindsOf,
  listedInside,
  mapsInside,
  otherThanTexts,
} from './field-paths.ts'
import { type JsonRecord, recordOf } from './json.ts'

type Definitions = Readonly<Record<string, JsonSchema>>

/** One answer of an operation that a mask is applied to. */
type Answer = { status: string; schema: JsonSchema }

/** The bodies that say something about a person: those of success. Errors are the platform's own. */
export const answersOf = (operation: SnapshotOperation): Answer[] =>
  operation.responses
    .filter(({ status }) => status.startsWith('2') || status === 'default')
    .flatMap(({ status, content }) =>
      Object.entries(content)
        .filter(([mediaType]) => /^application\/(.+\+)?json$/.test(mediaType))
        .map(([, schema]) => ({ status, schema })),
    )

/**
 * Why a mask cannot be put on the responses of an operation, or nothing. The same rule for what a manifest and what a
 * contract says.
 */
export function maskFault(
  operation: SnapshotOperation,
  definitions: Definitions,
  mask: FieldMask,
): string | undefined {
  const answers = answersOf(operation)
  if (answers.length === 0) return 'has no response body that could be masked'
  const found = answers.map(({ status, schema }) => ({
    status,
    field: findField(schema, definitions, mask.field),
  }))
  const there = found.filter(({ field }) => field.ok)
  if (there.length === 0) {
    const [first] = found
    return `is not in the response of ${operation.operationId}: ${first === undefined || first.field.ok ? '' : first.field.why}`
  }
  const needs = there.find(({ field }) => field.ok && field.required)
  if (mask.action === 'remove' && needs !== undefined)
    return `is required in the response ${needs.status} of ${operation.operationId}: clients that rely on the document would break without it. Choose mask, hash or coarsen, or make it optional in the document`
  const half = mask.action === 'coarsen' && answers.some((a) => isOfCircle(a, definitions, mask))
  if (half) return 'is a part of an area, whose radius would stay exact: coarsen the whole area'
  return unfit(
    mask,
    there.flatMap(({ field }) => schemasOf(field)),
    definitions,
  )
}

/** Whether it is a coordinate of a centre that has a radius beside it. */
function isOfCircle({ schema }: Answer, definitions: Definitions, { field }: FieldMask): boolean {
  const [whole, owner] = /^(?:(.*)\.)?[^.]+\.(?:latitude|longitude|\*)$/.exec(field) ?? []
  if (whole === undefined) return false
  const area = schemasOf(findField(schema, definitions, owner ?? ''))
  return area.some(({ properties }) => 'radius' in recordOf(properties))
}

const schemasOf = (field: FieldFound): JsonRecord[] => (field.ok ? field.schemas : [])

/** An action gives a value of the same kind back, or it would break what the document promises. */
function unfit(
  { action }: FieldMask,
  schemas: readonly JsonRecord[],
  definitions: Definitions,
): string | undefined {
  if (action === 'remove' || action === 'pass') return undefined
  const [map] = mapsInside(schemas, definitions)
  if (map !== undefined)
    return `${map === '' ? 'is' : `has \`${map}\` in it,`} a map, whose names say as much as its values and would stay: choose remove`
  const kinds = kindsOf(schemas)
  if (kinds.has('any')) return undefined
  if (action !== 'coarsen') {
    if (kinds.has('number') || kinds.has('integer') || kinds.has('boolean'))
      return `is no text: only texts can be made ${action === 'hash' ? 'a hash' : 'unreadable'}. Choose coarsen for a number, or remove`
    const [other] = otherThanTexts(schemas, definitions)
    return other === undefined
      ? undefined
      : `has \`${other}\` in it, which is no text: name the texts inside of it, or choose remove`
  }
  // A gateway leaves the kind of an area as it is.
  const listed = listedInside(schemas, definitions).find((path) => !/(?:^|\.)areaType$/.test(path))
  if (listed !== undefined)
    return `${listed === '' ? 'is' : `has \`${listed}\` in it,`} one of a list of values, which would be none of them: name what is to be coarsened, or choose remove`
  if (isCoarse(schemas) || otherThanTexts(schemas, definitions).length > 0) return undefined
  return 'is no location (with latitude and longitude), area, number or date: nothing of it can be coarsened'
}

/** A number, or a moment or date: something that can be said less exactly. */
export function isCoarse(schemas: readonly JsonRecord[]): boolean {
  const kinds = kindsOf(schemas)
  return (
    kinds.has('number') ||
    kinds.has('integer') ||
    kinds.has('any') ||
    schemas.some(({ format }) => format === 'date' || format === 'date-time')
  )
}

/** What of the document's promises a masked text does not keep, or nothing. */
export function maskWarning(
  operation: SnapshotOperation,
  definitions: Definitions,
  mask: FieldMask,
): string | undefined {
  if (mask.action !== 'mask' && mask.action !== 'hash') return undefined
  const schemas = answersOf(operation).flatMap(({ schema }) =>
    schemasOf(findField(schema, definitions, mask.field)),
  )
  const told = ['enum', 'const', 'pattern', 'format'].find((keyword) =>
    schemas.some((schema) => keyword in schema),
  )
  return told === undefined
    ? undefined
    : `has a \`${told}\` in the document that a masked value does not keep: clients that check it refuse the answer`
}
