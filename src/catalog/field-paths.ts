import type { JsonSchema } from './entry.ts'
import { isRecord, type JsonRecord, listOf, recordOf, textOf } from './json.ts'
import { hint } from './nearest-name.ts'

/** What a field path leads to in a schema, or why it leads nowhere. */
export type FieldFound =
  | {
      ok: true
      /** every schema that may describe the value there */
      schemas: JsonRecord[]
      /** whether a document that this schema describes must have the field */
      required: boolean
    }
  | { ok: false; why: string }

type Step = { kind: 'name'; name: string } | { kind: 'any' } | { kind: 'item' }

/** `items[].owner` is three steps: a name, any item, a name. The path must have the form of `FieldPath`. */
export function stepsOf(path: string): Step[] {
  const parts = path.match(/\[\]|(?:\\.|[^.[\]\\])+/g) ?? []
  return parts.map((part): Step => {
    if (part === '[]') return { kind: 'item' }
    return part === '*' ? { kind: 'any' } : { kind: 'name', name: part.replace(/\\(.)/g, '$1') }
  })
}

/** Follows a field path through a schema: references, compositions, lists and maps. */
export function findField(
  root: JsonSchema,
  definitions: Readonly<Record<string, JsonSchema>>,
  path: string,
): FieldFound {
  let level = flatten([root], definitions)
  let required = true
  let walked = ''
  for (const step of stepsOf(path)) {
    const next = below(level, step)
    if (next.schemas.length === 0) return { ok: false, why: whyNot(level, step, walked) }
    level = flatten(next.schemas, definitions)
    required = next.required
    walked += step.kind === 'item' ? '[]' : `${walked === '' ? '' : '.'}${nameOf(step)}`
  }
  return { ok: true, schemas: level, required }
}

const nameOf = (step: Step): string => (step.kind === 'name' ? step.name : '*')

/** Every schema that describes the same value: behind references, and beside each other in compositions. */
function flatten(
  schemas: readonly unknown[],
  definitions: Readonly<Record<string, JsonSchema>>,
): JsonRecord[] {
  const found = new Set<JsonRecord>()
  const open = [...schemas]
  for (let schema = open.pop(); open.length > 0 || schema !== undefined; schema = open.pop()) {
    if (!isRecord(schema) || found.has(schema)) continue
    found.add(schema)
    const name = /^#\/\$defs\/(.+)$/.exec(textOf(schema.$ref))?.[1]
    if (name !== undefined) open.push(definitions[name])
    for (const list of ['allOf', 'anyOf', 'oneOf']) open.push(...listOf(schema[list]))
    for (const one of ['then', 'else']) if (schema[one] !== undefined) open.push(schema[one])
  }
  return [...found]
}

function below(
  level: readonly JsonRecord[],
  step: Step,
): { schemas: unknown[]; required: boolean } {
  if (step.kind === 'item') {
    const schemas = level.flatMap((schema) => [
      ...(isRecord(schema.items) ? [schema.items] : []),
      ...listOf(schema.prefixItems),
    ])
    return { schemas, required: false }
  }
  const needed = new Set(level.flatMap((schema) => listOf(schema.required)))
  const members = level.flatMap(membersOf)
  if (step.kind === 'any')
    return {
      schemas: members.map(({ schema }) => schema),
      required: members.some(({ name }) => name !== undefined && needed.has(name)),
    }
  const named = members.filter(({ name }) => name === step.name)
  // A map says of no member that it is there, and of every one what it is.
  const fitting = named.length > 0 ? named : members.filter(({ fits }) => fits?.(step.name))
  return { schemas: fitting.map(({ schema }) => schema), required: needed.has(step.name) }
}

type Member = { schema: unknown; name?: string; fits?: (name: string) => boolean }

function membersOf(schema: JsonRecord): Member[] {
  const properties = Object.entries(recordOf(schema.properties))
  const patterns = Object.entries(recordOf(schema.patternProperties))
  return [
    ...properties.map(([name, value]) => ({ name, schema: value })),
    // No pattern of a document is run here: a name that one may fit is taken for a name that fits.
    ...patterns.map(([, value]) => ({ schema: value, fits: () => true })),
    ...[schema.additionalProperties, schema.unevaluatedProperties]
      .filter(isRecord)
      .map((value) => ({ schema: value, fits: () => true })),
  ]
}

function whyNot(level: readonly JsonRecord[], step: Step, walked: string): string {
  const at = walked === '' ? 'the body' : `\`${walked}\``
  const isList = level.some(({ items, prefixItems }) => isRecord(items) || prefixItems)
  const names = [...new Set(level.flatMap(({ properties }) => Object.keys(recordOf(properties))))]
  if (step.kind === 'item') return `${at} is no list`
  if (isList && names.length === 0) return `${at} is a list: write \`${walked}[]\` for its items`
  const name = nameOf(step)
  if (names.length === 0) return `${at} has no fields`
  const near = hint(name, names)
  return `${at} has no field \`${name}\`${near === '' ? `: it has ${names.join(', ')}` : near}`
}

/** The fields inside of a value, at any depth, that are no texts, by their paths. */
export const otherThanTexts = (
  schemas: readonly JsonRecord[],
  definitions: Readonly<Record<string, JsonSchema>>,
): string[] =>
  placesInside(schemas, definitions, (level) => {
    const kinds = kindsOf(level)
    return kinds.has('number') || kinds.has('integer') || kinds.has('boolean')
  })

/** The maps inside of a value, whose names are data. */
export const mapsInside = (
  schemas: readonly JsonRecord[],
  definitions: Readonly<Record<string, JsonSchema>>,
): string[] =>
  placesInside(schemas, definitions, (level, whole) => {
    const isFree = !whole.some((schema) => 'properties' in schema)
    return level.some(
      (schema) =>
        isOpen(schema.additionalProperties) ||
        isOpen(schema.unevaluatedProperties) ||
        isRecord(schema.patternProperties) ||
        (isFree && schema.type === 'object' && schema.additionalProperties !== false),
    )
  })

const isOpen = (schema: unknown): boolean => schema === true || isRecord(schema)

/** The fields inside of a value that must have one of some listed values. */
export const listedInside = (
  schemas: readonly JsonRecord[],
  definitions: Readonly<Record<string, JsonSchema>>,
): string[] =>
  placesInside(schemas, definitions, (level) =>
    level.some((schema) => 'enum' in schema || 'const' in schema),
  )

/** The paths inside of a value, at any depth, where this is so; `whole` has what was looked at elsewhere too. */
function placesInside(
  schemas: readonly JsonRecord[],
  definitions: Readonly<Record<string, JsonSchema>>,
  isSo: (fresh: readonly JsonRecord[], whole: readonly JsonRecord[]) => boolean,
): string[] {
  const found = new Set<string>()
  const seen = new Set<JsonRecord>()
  const walk = (level: readonly JsonRecord[], path: string): void => {
    const fresh = level.filter((schema) => !seen.has(schema))
    for (const schema of fresh) seen.add(schema)
    if (isSo(fresh, level)) found.add(path)
    for (const { name = '*', schema } of fresh.flatMap(membersOf))
      walk(flatten([schema], definitions), path === '' ? name : `${path}.${name}`)
    const items = below(fresh, { kind: 'item' }).schemas
    if (items.length > 0) walk(flatten(items, definitions), `${path}[]`)
  }
  walk(schemas, '')
  return [...found]
}

/** What the value at a place may be; `any` when nothing says so. */
export type ValueKind =
  | 'string'
  | 'number'
  | 'integer'
  | 'boolean'
  | 'object'
  | 'array'
  | 'null'
  | 'any'

export function kindsOf(schemas: readonly JsonRecord[]): Set<ValueKind> {
  const kinds = new Set<ValueKind>()
  for (const schema of schemas) {
    const types = typeof schema.type === 'string' ? [schema.type] : listOf(schema.type)
    for (const type of types) kinds.add(type as ValueKind)
    if (types.length > 0) continue
    if ('properties' in schema) kinds.add('object')
    if ('items' in schema) kinds.add('array')
    for (const value of 'const' in schema ? [schema.const] : listOf(schema.enum))
      kinds.add(typeof value === 'string' ? 'string' : typeof value === 'number' ? 'number' : 'any')
  }
  return kinds.size === 0 ? new Set(['any']) : kinds
}
