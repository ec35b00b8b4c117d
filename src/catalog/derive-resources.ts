import { answersOf } from './check-masks.ts'
import type { JsonSchema, ResourceRule, SnapshotOperation } from './entry.ts'
import { findField } from './field-paths.ts'
import { isRecord } from './json.ts'

type Definitions = Readonly<Record<string, JsonSchema>>

/** A kind of thing that the document makes plain: it is made with an id, and read under a path parameter of that name. */
type Kind = { name: string; parameter: string; makers: ReadonlyMap<string, string> }

/**
 * Rules of isolation (CAMARA Commonalities, resource isolation) where the document makes them plain: a `POST` answers
 * 201 or 202 with a `paymentId`, and other paths have `{paymentId}`. A manifest that says anything of resources says all
 * of it; then nothing is derived.
 */
export function deriveResources(
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): SnapshotOperation[] {
  if (operations.some(({ terms }) => terms?.resource !== undefined)) return [...operations]
  const kinds = kindsIn(operations, definitions)
  return operations.map((operation) => {
    const resource = ruleOf(operation, kinds, definitions)
    return resource === undefined
      ? operation
      : { ...operation, terms: { ...operation.terms, resource } }
  })
}

const parametersIn = (path: string): string[] =>
  [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name)

function kindsIn(operations: readonly SnapshotOperation[], definitions: Definitions): Kind[] {
  const names = new Set(operations.flatMap(({ path }) => parametersIn(path)))
  return [...names].flatMap((parameter) => {
    const makers = new Map<string, string>()
    for (const operation of operations) {
      const field = idOfNew(operation, parameter, operations, definitions)
      if (field !== undefined) makers.set(operation.operationId, field)
    }
    return makers.size === 0 ? [] : [{ name: nameOf(parameter), parameter, makers }]
  })
}

/** `paymentId` names a payment. */
const nameOf = (parameter: string): string =>
  parameter
    .replace(/[-_]?id$/i, '')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '') || 'thing'

/** Where the answer of an operation has the id of what it made; undefined when it makes no such thing. */
function idOfNew(
  operation: SnapshotOperation,
  parameter: string,
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): string | undefined {
  if (operation.method !== 'POST' || parametersIn(operation.path).includes(parameter)) return
  const made = answersOf(operation).filter(({ status }) => status === '201' || status === '202')
  const has = (field: string): boolean =>
    made.some(({ schema }) => findField(schema, definitions, field).ok)
  if (has(parameter)) return parameter
  const isCollection = operations.some(({ path }) => path === `${operation.path}/{${parameter}}`)
  return isCollection && has('id') ? 'id' : undefined
}

function ruleOf(
  operation: SnapshotOperation,
  kinds: readonly Kind[],
  definitions: Definitions,
): ResourceRule | undefined {
  const parameters = parametersIn(operation.path)
  const named = kinds
    .filter(({ parameter }) => parameters.includes(parameter))
    .toSorted((a, b) => parameters.indexOf(b.parameter) - parameters.indexOf(a.parameter))
  const [nearest, owner] = named
  const within = (kind: Kind | undefined): Pick<ResourceRule, 'within'> =>
    kind === undefined ? {} : { within: { name: kind.name, parameter: kind.parameter } }
  for (const { name, makers } of kinds) {
    const field = makers.get(operation.operationId)
    if (field !== undefined) return { role: 'create', name, field, ...within(nearest) }
  }
  for (const kind of kinds) {
    if (named.includes(kind)) continue
    const list = listOf(operation, kind, definitions)
    if (list !== undefined) return { role: 'list', name: kind.name, ...list, ...within(nearest) }
  }
  if (nearest === undefined) return undefined
  const { name, parameter } = nearest
  return { role: 'access', name, parameter, ...within(owner) }
}

/** Where an answer has a list of such things: the body, or the only list in it. */
function listOf(
  operation: SnapshotOperation,
  { parameter, makers }: Kind,
  definitions: Definitions,
): { items: string; field: string } | undefined {
  const isCollection = operation.method === 'GET' && !operation.path.endsWith('}')
  const fields = new Set([parameter, ...(isCollection ? makers.values() : [])])
  for (const { schema } of answersOf(operation)) {
    for (const items of ['', ...listsIn(schema, definitions)])
      for (const field of fields)
        if (findField(schema, definitions, `${items}[].${field}`.replace(/^\[\]\./, '[].')).ok)
          return { items, field }
  }
  return undefined
}

function listsIn(schema: JsonSchema, definitions: Definitions): string[] {
  const root = findField(schema, definitions, '')
  if (!root.ok) return []
  const names = new Set(
    root.schemas.flatMap(({ properties }) => (isRecord(properties) ? Object.keys(properties) : [])),
  )
  const lists = [...names].filter(
    (name) => !/[.[\]\s]/.test(name) && findField(schema, definitions, `${name}[]`).ok,
  )
  return lists.length === 1 ? lists : []
}
