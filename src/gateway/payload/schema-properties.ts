import type { JsonSchema } from '#snapshot'

type Schemas = Readonly<Record<string, JsonSchema>>
type SchemaObject = { readonly [keyword: string]: unknown }

const isObject = (value: unknown): value is SchemaObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Every schema that describes the same value: behind references, and beside each other in compositions. */
export function describing(schema: unknown, schemas: Schemas): SchemaObject[] {
  const found = new Set<SchemaObject>()
  const open: unknown[] = [schema]
  while (open.length > 0) {
    const next = open.pop()
    if (!isObject(next) || found.has(next)) continue
    found.add(next)
    if (typeof next.$ref === 'string') open.push(schemas[next.$ref.replace('#/$defs/', '')])
    for (const list of ['allOf', 'anyOf', 'oneOf'])
      if (Array.isArray(next[list])) open.push(...(next[list] as unknown[]))
    open.push(next.then, next.else)
  }
  return [...found]
}

/** The schemas of one property of a value, and whether the value must have it whatever form it takes. */
export function propertyOf(
  schema: unknown,
  schemas: Schemas,
  name: string,
): { schemas: unknown[]; required: boolean } | undefined {
  const all = describing(schema, schemas)
  const found = all.flatMap(({ properties }) =>
    isObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [],
  )
  return found.length === 0
    ? undefined
    : { schemas: found, required: requires(schema, schemas, name, new Set()) }
}

function requires(schema: unknown, schemas: Schemas, name: string, seen: Set<unknown>): boolean {
  if (!isObject(schema) || seen.has(schema)) return false
  const below = new Set(seen).add(schema)
  if (Array.isArray(schema.required) && schema.required.includes(name)) return true
  const target =
    typeof schema.$ref === 'string' ? schemas[schema.$ref.replace('#/$defs/', '')] : undefined
  if (target !== undefined && requires(target, schemas, name, below)) return true
  const { allOf } = schema
  if (Array.isArray(allOf) && allOf.some((part) => requires(part, schemas, name, below)))
    return true
  return [schema.anyOf, schema.oneOf].some(
    (parts) =>
      Array.isArray(parts) &&
      parts.length > 0 &&
      parts.every((part) => requires(part, schemas, name, below)),
  )
}

const deepest = 6
const mostPaths = 20

/**
 * Where in a value there are members of this name with one of these members below; as texts of field paths.
 * @public
 */
export function pathsTo(
  schema: unknown,
  schemas: Schemas,
  wanted: { name: string; below: readonly string[] },
): string[] {
  const paths = new Set<string>()
  const isWanted = (value: unknown): boolean =>
    describing(value, schemas).some(
      ({ properties }) =>
        isObject(properties) && wanted.below.some((name) => Object.hasOwn(properties, name)),
    )
  const walk = (value: unknown, path: string, depth: number): void => {
    if (depth > deepest || paths.size >= mostPaths) return
    for (const part of describing(value, schemas)) {
      for (const [name, member] of Object.entries(
        isObject(part.properties) ? part.properties : {},
      )) {
        const at = `${path === '' ? '' : `${path}.`}${name.replaceAll(/[\\.[\]*]/g, '\\$&')}`
        if (name === wanted.name && isWanted(member)) paths.add(at)
        else walk(member, at, depth + 1)
      }
      if (isObject(part.items)) walk(part.items, `${path}[]`, depth + 1)
      if (isObject(part.additionalProperties))
        walk(part.additionalProperties, `${path === '' ? '' : `${path}.`}*`, depth + 1)
    }
  }
  walk(schema, '', 0)
  return [...paths]
}
