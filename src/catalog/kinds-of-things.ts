import { answersOf } from './check-masks.ts'
import type { JsonSchema, SnapshotOperation } from './entry.ts'
import { findField } from './field-paths.ts'
import { isRecord, type JsonRecord, listOf, recordOf, textOf } from './json.ts'

type Definitions = Readonly<Record<string, JsonSchema>>

/** A kind of thing that the document makes plain: it is made with an id, and read below its collection. */
export type Kind = {
  name: string
  /** its name, word by word, in the singular */
  words: readonly string[]
  parameter: string
  /** the paths before its parameter: `/payments` */
  collections: readonly string[]
  /** by operationId, where the answer has the id of what was made */
  makers: ReadonlyMap<string, string>
  /** the schemas that reading one gives */
  forms: ReadonlySet<JsonRecord>
  /** whether a path names such a thing */
  isIn: (path: string) => boolean
}

type Place = { parameter: string; collection: string }

export const parametersIn = (path: string): string[] =>
  [...path.matchAll(/\{([^{}]+)\}/g)].map(([, name = '']) => name)

export const lastOf = (path: string): string => path.split('/').at(-1) ?? ''

/** `retrieve-qosAssignments` is retrieve, qos, assignment. */
export const wordsOf = (name: string): string[] =>
  name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .map(singular)

const singular = (word: string): string =>
  word
    .replace(/ies$/, 'y')
    .replace(/(s|x|z|ch|sh)es$/, '$1')
    .replace(/([^s])s$/, '$1')

const nameOf = (text: string): string =>
  text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '') || 'thing'

/** Names that say nothing of what they name: `/orders/{id}` and `/vehicles/{id}` are different things. */
export const isPlain = (parameter: string): boolean =>
  /^(?:(?:resource|item|object)?[-_]?(?:id|uuid|ref|key|name|code|number|reference)|identifier)$/i.test(
    parameter,
  )

export function findKinds(
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): Kind[] {
  const groups = new Map<string, Place[]>()
  for (const place of placesIn(operations)) {
    const key = isPlain(place.parameter)
      ? `${place.collection} ${place.parameter}`
      : place.parameter
    groups.set(key, [...(groups.get(key) ?? []), place])
  }
  const drafts = [...groups.values()].map((places) => ({
    places,
    makers: madeInCollection(places, operations, definitions),
  }))
  const inCollections = new Set(drafts.flatMap(({ makers }) => [...makers.keys()]))
  const claims = drafts.map(({ places, makers }) => ({
    places,
    makers,
    others: madeElsewhere(places, makers, operations, definitions).filter(
      ({ operationId }) => !inCollections.has(operationId),
    ),
  }))
  // What may be the maker of two kinds is taken for the maker of neither.
  const claimed = claims.flatMap(({ others }) => others.map(({ operationId }) => operationId))
  return claims.flatMap(({ places, makers, others }) => {
    for (const { operationId, field } of others)
      if (claimed.filter((id) => id === operationId).length === 1) makers.set(operationId, field)
    return makers.size === 0 || isPutThere(places, operations)
      ? []
      : [kindOf(places, makers, operations, definitions)]
  })
}

function placesIn(operations: readonly SnapshotOperation[]): Place[] {
  const found = new Map<string, Place>()
  for (const { path } of operations)
    for (const { 0: whole, 1: parameter = '', index } of path.matchAll(
      /\/\{([^{}/]+)\}(?=\/|$)/g,
    )) {
      const collection = path.slice(0, index)
      if (!collection.endsWith('}') && collection !== '')
        found.set(`${collection}${whole}`, { parameter, collection })
    }
  return [...found.values()]
}

/** The least deep collections of a thing are its home: what is made only elsewhere may have been there before. */
function homesOf(places: readonly Place[]): Place[] {
  const depth = ({ collection }: Place): number => collection.split('/').length
  const least = Math.min(...places.map(depth))
  return places.filter((place) => depth(place) === least)
}

/** `POST /payments` where there is `/payments/{paymentId}`. */
function madeInCollection(
  places: readonly Place[],
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): Map<string, string> {
  const makers = new Map<string, string>()
  const homes = homesOf(places)
  let atHome = false
  for (const { parameter, collection } of places) {
    const making = operations.find(({ method, path }) => method === 'POST' && path === collection)
    if (making === undefined) continue
    const schemas = madeBy(making)
    const field = [parameter, 'id', `[].${parameter}`, '[].id'].find((one) =>
      schemas.some((schema) => findField(schema, definitions, one).ok),
    )
    if (field === undefined) continue
    makers.set(making.operationId, field)
    atHome ||= homes.some((home) => home.collection === collection)
  }
  return atHome ? makers : new Map()
}

const madeBy = (operation: SnapshotOperation): JsonSchema[] =>
  answersOf(operation).flatMap(({ status, schema }) =>
    status === '201' || status === '202' ? [schema] : [],
  )

/**
 * `POST /payments/prepare` beside `POST /payments`; and `POST /download` that answers with what `GET /operations/{operationId}`
 * reads, where nothing lists operations that were there before. An id that the request names is not that of a new thing.
 */
function madeElsewhere(
  places: readonly Place[],
  makers: ReadonlyMap<string, string>,
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): { operationId: string; field: string }[] {
  const [{ parameter } = { parameter: '' }] = places
  if (isPlain(parameter)) return []
  const homes = homesOf(places).map(({ collection }) => collection)
  const forms = formsOf(places, operations, definitions)
  const listed = operations.some(({ method, path }) => method === 'GET' && homes.includes(path))
  return operations.flatMap((operation) => {
    const { operationId, method, path } = operation
    if (method !== 'POST' || parametersIn(path).length > 0 || homes.includes(path)) return []
    const schemas = madeBy(operation)
    if (!schemas.some((schema) => findField(schema, definitions, parameter).ok)) return []
    if (namesIn(operation, definitions).has(parameter)) return []
    const isBeside = makers.size > 0 && homes.some((home) => path.startsWith(`${home}/`))
    const isPlainly =
      !listed &&
      schemas.some((schema) => wholeForms(schema, definitions).some((one) => forms.has(one)))
    return isBeside || isPlainly ? [{ operationId, field: parameter }] : []
  })
}

/** A `PUT` that answers 201 makes things under ids that its callers choose: nobody sees here whose they are. */
const isPutThere = (places: readonly Place[], operations: readonly SnapshotOperation[]): boolean =>
  operations.some(
    ({ method, path, responses }) =>
      method === 'PUT' &&
      places.some(({ collection, parameter }) => path === `${collection}/{${parameter}}`) &&
      responses.some(({ status }) => status === '201'),
  )

function formsOf(
  places: readonly Place[],
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): Set<JsonRecord> {
  const paths = new Set(places.map(({ collection, parameter }) => `${collection}/{${parameter}}`))
  const reads = operations.filter(({ method, path }) => method === 'GET' && paths.has(path))
  return new Set(reads.flatMap(answersOf).flatMap(({ schema }) => wholeForms(schema, definitions)))
}

/** The schemas that describe a whole value: what it is composed of may be a part of other things, too. */
export function wholeForms(schema: unknown, definitions: Definitions): JsonRecord[] {
  const found = new Set<JsonRecord>()
  const open = [schema]
  while (open.length > 0) {
    const one = open.pop()
    if (!isRecord(one) || found.has(one)) continue
    found.add(one)
    const reference = /^#\/\$defs\/(.+)$/.exec(textOf(one.$ref))?.[1]
    if (reference !== undefined) open.push(definitions[reference])
    const whole = listOf(one.allOf)
    open.push(...listOf(one.oneOf), ...listOf(one.anyOf), ...(whole.length === 1 ? whole : []))
  }
  return [...found]
}

/** Every name in the request of an operation, at any depth. */
function namesIn({ requestBody }: SnapshotOperation, definitions: Definitions): Set<string> {
  const names = new Set<string>()
  const seen = new Set<unknown>()
  const open: unknown[] = Object.values(requestBody?.content ?? {})
  while (open.length > 0) {
    const value = open.pop()
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    open.push(...Object.values(value))
    if (!isRecord(value)) continue
    for (const name of Object.keys(recordOf(value.properties))) names.add(name)
    const reference = /^#\/\$defs\/(.+)$/.exec(textOf(value.$ref))?.[1]
    if (reference !== undefined) open.push(definitions[reference])
  }
  return names
}

function kindOf(
  places: readonly Place[],
  makers: ReadonlyMap<string, string>,
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): Kind {
  const [{ parameter, collection } = { parameter: '', collection: '' }] = homesOf(places)
  const plain = isPlain(parameter)
  const named = plain ? lastOf(collection) : parameter.replace(/[-_]?id$/i, '')
  const beginnings = places.map((place) => `${place.collection}/{${place.parameter}}`)
  return {
    name: nameOf(named),
    words: wordsOf(named),
    parameter,
    collections: places.map((place) => place.collection),
    makers,
    forms: formsOf(places, operations, definitions),
    isIn: (path) => beginnings.some((start) => path === start || path.startsWith(`${start}/`)),
  }
}
