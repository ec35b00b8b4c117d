import { answersOf } from './check-masks.ts'
import type { JsonSchema, ResourceRule, SnapshotOperation } from './entry.ts'
import { findField } from './field-paths.ts'
import { isRecord, type JsonRecord } from './json.ts'
import {
  findKinds,
  type Kind,
  lastOf,
  parametersIn,
  wholeForms,
  wordsOf,
} from './kinds-of-things.ts'

import { looksLikeId, type OpenThing } from './things-of-apis.ts'

type Definitions = Readonly<Record<string, JsonSchema>>

/**
 * Rules of isolation (CAMARA Commonalities, resource isolation) where the document makes them plain: `POST /payments`
 * answers 201 or 202 with a `paymentId`, and there is `/payments/{paymentId}`. A rule that is wrong hides what everybody
 * may see, so nothing is derived when in doubt. A manifest that says anything of resources says all of it.
 */
export function deriveResources(
  operations: readonly SnapshotOperation[],
  definitions: Definitions,
): SnapshotOperation[] {
  if (operations.some(({ terms }) => terms?.resource !== undefined)) return [...operations]
  const kinds = findKinds(operations, definitions)
  return operations.map((operation) => {
    const rule = ruleOf(operation, kinds, definitions)
    if (rule === undefined) return operation
    const resource: ResourceRule = { ...rule, derived: true }
    return { ...operation, terms: { ...operation.terms, resource } }
  })
}

/** Path parameters that look like the id of a thing and that no rule speaks of, each with the first path that has it. */
export function openIds(
  operations: readonly SnapshotOperation[],
): { path: string; parameter: string }[] {
  const ruled = new Set(
    operations.flatMap(({ terms }) => {
      const rule = terms?.resource
      return [rule?.parameter, rule?.within?.parameter]
    }),
  )
  const open = new Map<string, string>()
  for (const { path } of operations)
    for (const parameter of parametersIn(path))
      if (looksLikeId(parameter) && !ruled.has(parameter) && !open.has(parameter))
        open.set(parameter, path)
  return [...open].map(([parameter, path]) => ({ parameter, path }))
}

/** What publishing says of such a parameter where no API in the catalog is known to make what it names. */
export const nothingMakes = (parameter: string): string =>
  `nothing here makes what \`{${parameter}}\` names: every caller may name any, unless the catalog has an API that makes it and whose name begins this one’s. If each caller has its own, say whose they are in product.yaml (\`resource\` with \`within\`, such as the payment of another API)`

/**
 * Those ids that may be of things of another API. What is put or posted here, without a rule, has its ids from here; and
 * a manifest that says anything of resources says all of it.
 */
export function openThings(operations: readonly SnapshotOperation[]): OpenThing[] {
  if (operations.some(({ terms }) => terms?.resource?.derived === undefined && terms?.resource))
    return []
  const unruled = new Set(openIds(operations).map(({ parameter }) => parameter))
  const isMadeHere = (collection: string, parameter: string): boolean =>
    operations.some(
      ({ method, path, responses }) =>
        (method === 'POST' && path === collection) ||
        (method === 'PUT' &&
          path === `${collection}/{${parameter}}` &&
          responses.some(({ status }) => status === '201')),
    )
  return operations.flatMap(({ operationId, path }) =>
    parametersIn(path).flatMap((parameter) => {
      const [collection = '', rest] = path.split(`/{${parameter}}`)
      const isThing = /\/[^/{}]+$/.test(collection) && (rest === '' || rest?.startsWith('/'))
      return unruled.has(parameter) && isThing && !isMadeHere(collection, parameter)
        ? [{ operationId, path, parameter }]
        : []
    }),
  )
}

function ruleOf(
  operation: SnapshotOperation,
  kinds: readonly Kind[],
  definitions: Definitions,
): ResourceRule | undefined {
  const parameters = parametersIn(operation.path)
  const named = kinds
    .filter((kind) => kind.isIn(operation.path))
    .toSorted((a, b) => parameters.indexOf(b.parameter) - parameters.indexOf(a.parameter))
  const [nearest, owner] = named
  const within = (kind: Kind | undefined): Pick<ResourceRule, 'within'> =>
    kind === undefined ? {} : { within: { name: kind.name, parameter: kind.parameter } }
  for (const { name, makers } of kinds) {
    const field = makers.get(operation.operationId)
    if (field !== undefined) return { role: 'create', name, field, ...within(nearest) }
  }
  const shown = shownBy(
    operation,
    kinds.filter((kind) => !named.includes(kind)),
    definitions,
  )
  if (shown !== undefined) return { role: 'list', ...shown, ...within(nearest) }
  if (nearest === undefined) return undefined
  const { name, parameter } = nearest
  return { role: 'access', name, parameter, ...within(owner) }
}

/**
 * The kind of things that an answer shows, and where their ids are: one thing, the list that the body is, or the only
 * list in it. An order that names its vehicle is no vehicle: the path or the schema says what it is.
 */
function shownBy(
  operation: SnapshotOperation,
  kinds: readonly Kind[],
  definitions: Definitions,
): { name: string; items: string; field: string } | undefined {
  if (operation.method !== 'GET' && operation.method !== 'POST') return undefined
  const { method, path } = operation
  const fits = (kind: Kind, items: string): number => {
    const isCollection = kind.collections.includes(path)
    if (isCollection) return method === 'GET' ? 3 : 0
    if (endsWith(wordsOf(lastOf(path)), kind.words)) return 2
    return answers.some(({ schema }) => isSameThing(schema, items, kind, definitions)) ? 1 : 0
  }
  const answers = answersOf(operation).filter(({ status }) => status === '200')
  let best: { score: number; name: string; items: string; field: string } | undefined
  for (const kind of kinds) {
    for (const { schema } of answers) {
      const place = placeOf(schema, kind, definitions)
      if (place === undefined) continue
      const score = fits(kind, place.items)
      if (score > (best?.score ?? 0)) best = { score, name: kind.name, ...place }
    }
  }
  return best && { name: best.name, items: best.items, field: best.field }
}

const endsWith = (words: readonly string[], ending: readonly string[]): boolean =>
  ending.length > 0 && ` ${words.join(' ')} `.includes(` ${ending.join(' ')} `)

function placeOf(
  schema: JsonSchema,
  { parameter, makers }: Kind,
  definitions: Definitions,
): { items: string; field: string } | undefined {
  const fields = new Set([
    parameter,
    ...[...makers.values()].map((field) => field.replace(/^\[\]\./, '')),
  ])
  const has = (path: string): boolean => findField(schema, definitions, path).ok
  for (const field of fields) {
    if (has(field) || has(`[].${field}`)) return { items: '', field }
    for (const items of listsIn(schema, definitions))
      if (has(`${items}[].${field}`)) return { items, field }
  }
  return undefined
}

/** Whether an answer, or each item of a list in it, is what reading such a thing gives. */
function isSameThing(
  schema: JsonSchema,
  items: string,
  kind: Kind,
  definitions: Definitions,
): boolean {
  const at = [findField(schema, definitions, items), findField(schema, definitions, `${items}[]`)]
  const listed = at.flatMap((one) => (one.ok ? one.schemas : []))
  const shown =
    items === '' ? [...wholeForms(schema, definitions), ...itemsOf(listed)] : itemsOf(listed)
  return shown.flatMap((one) => wholeForms(one, definitions)).some((one) => kind.forms.has(one))
}

const itemsOf = (schemas: readonly JsonRecord[]): unknown[] => schemas.map(({ items }) => items)

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
