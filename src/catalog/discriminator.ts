import { mappedSchema } from './check-references.ts'
import type { JsonSchema } from './entry.ts'
import { type Path, pathOf, pointerOf } from './faults.ts'
import { isRecord, type JsonRecord, listOf, recordOf, valueAt } from './json.ts'

/** The schemas that a property chooses between, each with the values that choose it. */
export type Family = {
  property: string
  members: { path: Path; values: string[] }[]
  /** whether another value is a fault */
  closed: boolean
}

/**
 * The schemas that others extend with `allOf` (OpenAPI 3, "Composition and Inheritance"), by their pointer: where one
 * of them is used, the discriminator says which of its children holds.
 */
export function findFamilies(document: unknown): Map<string, Family> {
  const schemas = recordOf(valueAt(document, ['components', 'schemas']))
  const parents = Object.keys(schemas).filter((name) => {
    const schema = recordOf(schemas[name])
    return isRecord(schema.discriminator) && !('oneOf' in schema) && !('anyOf' in schema)
  })
  const families = new Map<string, Family>()
  for (const parent of parents) {
    const path = ['components', 'schemas', parent]
    const children = Object.keys(schemas).filter((name) => extendsSchema(schemas[name], path))
    const family = familyOf(document, recordOf(schemas[parent]).discriminator, [
      ...children.map((name) => ['components', 'schemas', name]),
    ])
    const others = family?.members.filter((member) => pointerOf(member.path) !== pointerOf(path))
    if (family !== undefined && others !== undefined && others.length > 0)
      families.set(pointerOf(path), { ...family, members: others })
  }
  return families
}

function extendsSchema(schema: unknown, parent: Path): boolean {
  return listOf(recordOf(schema).allOf).some((part) => {
    const ref = recordOf(part).$ref
    return typeof ref === 'string'
      ? pointerOf(pathOf(ref) ?? []) === pointerOf(parent)
      : extendsSchema(part, parent)
  })
}

/** `oneOf` or `anyOf` of references with a discriminator. */
export function alternativesOf(document: unknown, schema: JsonRecord): Family | undefined {
  const alternatives = listOf(schema.oneOf ?? schema.anyOf)
  const targets = alternatives.map((item) => {
    const ref = recordOf(item).$ref
    return typeof ref === 'string' ? pathOf(ref) : undefined
  })
  const paths = targets.filter((path) => path !== undefined)
  if (paths.length === 0 || paths.length < targets.length) return undefined
  const family = familyOf(document, schema.discriminator, paths)
  return family === undefined ? undefined : { ...family, closed: true }
}

function familyOf(
  document: unknown,
  discriminator: unknown,
  paths: readonly Path[],
): Family | undefined {
  const property = recordOf(discriminator).propertyName
  if (typeof property !== 'string') return undefined
  const mapping = Object.entries(recordOf(recordOf(discriminator).mapping)).flatMap(
    ([value, target]) => {
      const path = typeof target === 'string' ? mappedSchema(document, target) : undefined
      return path === undefined ? [] : [{ value, path }]
    },
  )
  const members = new Map<string, { path: Path; values: string[] }>()
  for (const { value, path } of mapping) {
    const member = members.get(pointerOf(path)) ?? { path, values: [] }
    member.values.push(value)
    members.set(pointerOf(path), member)
  }
  // A schema that the mapping does not name is chosen by its own name.
  for (const path of paths) {
    const pointer = pointerOf(path)
    if (!members.has(pointer)) members.set(pointer, { path, values: [String(path.at(-1))] })
  }
  return { property, members: [...members.values()], closed: false }
}

/** The alternatives as JSON Schema: `if` the property has this value, `then` this schema holds. */
export function asConditions(
  family: Family,
  refer: (path: Path) => JsonSchema,
): { allOf: JsonSchema[]; discriminator: JsonRecord } {
  const { property, members, closed } = family
  const mapping: JsonRecord = {}
  const conditions = members.map(({ path, values }) => {
    const target = refer(path)
    for (const value of values) mapping[value] = recordOf(target).$ref
    const chosen = { required: [property], properties: { [property]: { enum: values } } }
    // biome-ignore lint/suspicious/noThenProperty: the name of a keyword of JSON Schema
    return { if: chosen, then: target }
  })
  const known = {
    type: 'object',
    required: [property],
    properties: { [property]: { enum: Object.keys(mapping) } },
  }
  return {
    allOf: closed ? [known, ...conditions] : conditions,
    discriminator: { propertyName: property, mapping },
  }
}
