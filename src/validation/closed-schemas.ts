import type { JsonSchema } from './json-schema.ts'

type SchemaObject = { readonly [keyword: string]: unknown }
type Schemas = Readonly<Record<string, JsonSchema>>

const inPlaceLists = ['allOf', 'anyOf', 'oneOf']
const inPlaceSingles = ['then', 'else']
const childMaps = ['properties', 'patternProperties']
const childSingles = ['additionalProperties', 'unevaluatedProperties', 'items', 'unevaluatedItems']
const dataKeywords = new Set(['const', 'default', 'enum', 'example', 'examples'])
const refPrefix = '#/$defs/'
/** the variant of a definition whose own object is open, for use inside a composition */
const openPrefix = 'open:'
/** the variant of a definition as the document has it */
const publishedPrefix = 'published:'

/** The definition of the document that a compiled one is a variant of; undefined when it is none. */
export const definitionNameOf = (name: string): string | undefined =>
  [openPrefix, publishedPrefix].flatMap((prefix) =>
    name.startsWith(prefix) ? [name.slice(prefix.length)] : [],
  )[0]

const isObject = (value: unknown): value is SchemaObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * Rewrites schemas so that an object has no property that the document does not declare, at any depth and through
 * compositions. `additionalProperties: false` cannot say that, because it does not see through `allOf`;
 * `unevaluatedProperties: false` around the whole of each composed object can. An object that declares no property is
 * a free map and stays one. A `discriminator` adds what the schema that it names declares.
 */
export class ClosedSchemas {
  #schemas: Schemas
  /** every definition in two variants: as published, and open with closed children */
  readonly definitions: Record<string, JsonSchema> = {}
  /** what was put around a schema of the document, to close it */
  readonly wrapped = new WeakSet<object>()

  constructor(schemas: Schemas) {
    this.#schemas = schemas
    for (const [name, schema] of Object.entries(schemas)) {
      this.definitions[openPrefix + name] = this.#inPlace(schema)
      this.definitions[publishedPrefix + name] = asPublished(schema)
    }
  }

  /** A schema that describes a whole value. */
  close(schema: JsonSchema): JsonSchema {
    if (!isObject(schema)) return schema
    const choices = this.#discriminated(schema)
    const open = this.#inPlace(schema)
    if (!isObject(open) || !this.#declaresProperties(schema, new Set())) return open
    if ('additionalProperties' in open || 'unevaluatedProperties' in open) return open
    if (choices.length === 0) return { ...open, unevaluatedProperties: false }
    const around = { allOf: [open, ...choices], unevaluatedProperties: false }
    this.wrapped.add(around)
    return around
  }

  /** A schema that describes a value together with others: its children are closed, itself is not. */
  #inPlace(schema: JsonSchema): JsonSchema {
    if (!isObject(schema)) return schema
    const copy: Record<string, unknown> = {}
    for (const [keyword, value] of Object.entries(schema)) {
      if (keyword === '$ref' && typeof value === 'string')
        copy[keyword] = value.startsWith(refPrefix)
          ? `${refPrefix}${openPrefix}${value.slice(refPrefix.length)}`
          : value
      else if (inPlaceLists.includes(keyword) && Array.isArray(value))
        copy[keyword] = value.map((item: JsonSchema) => this.#inPlace(item))
      else if (inPlaceSingles.includes(keyword)) copy[keyword] = this.#inPlace(value as JsonSchema)
      else if (keyword === 'dependentSchemas' && isObject(value))
        copy[keyword] = mapValues(value, (item) => this.#inPlace(item))
      else if (childMaps.includes(keyword) && isObject(value))
        copy[keyword] = mapValues(value, (item) => this.close(item))
      else if (childSingles.includes(keyword)) copy[keyword] = this.close(value as JsonSchema)
      else if (keyword === 'prefixItems' && Array.isArray(value))
        copy[keyword] = value.map((item: JsonSchema) => this.close(item))
      // A condition must hold for the same values as before, so nothing is closed inside one.
      else if (keyword === 'not' || keyword === 'if' || keyword === 'contains')
        copy[keyword] = asPublished(value as JsonSchema)
      // What describes no part of the value itself (`propertyNames`, `contentSchema`) may refer to definitions too.
      else copy[keyword] = dataKeywords.has(keyword) ? value : asPublished(value as JsonSchema)
    }
    return copy
  }

  #target(ref: unknown): JsonSchema | undefined {
    if (typeof ref !== 'string' || !ref.startsWith(refPrefix)) return undefined
    return this.#schemas[ref.slice(refPrefix.length)]
  }

  #declaresProperties(schema: JsonSchema, seen: Set<unknown>): boolean {
    if (!isObject(schema) || seen.has(schema)) return false
    seen.add(schema)
    if (isObject(schema.properties) && Object.keys(schema.properties).length > 0) return true
    if (isObject(schema.patternProperties)) return true
    const target = this.#target(schema.$ref)
    if (target !== undefined && this.#declaresProperties(target, seen)) return true
    const below = [...inPlaceLists, ...inPlaceSingles].flatMap((keyword) => schema[keyword] ?? [])
    return below.some((item) => this.#declaresProperties(item as JsonSchema, seen))
  }

  /** What a value may declare besides, by the value of its discriminator (OpenAPI 3, Discriminator Object). */
  #discriminated(schema: SchemaObject): JsonSchema[] {
    let owner: JsonSchema | undefined = schema
    for (let hops = 0; hops < 8 && isObject(owner); hops += 1) {
      const discriminator = owner.discriminator
      if (isObject(discriminator)) return this.#choices(discriminator)
      owner = this.#target(owner.$ref)
    }
    return []
  }

  #choices(discriminator: SchemaObject): JsonSchema[] {
    const property = discriminator.propertyName
    const mapping = discriminator.mapping
    if (typeof property !== 'string' || !isObject(mapping)) return []
    return Object.entries(mapping).flatMap(([value, ref]) => {
      const name = String(ref).split('/').at(-1) ?? ''
      if (this.#schemas[name] === undefined) return []
      const when = { properties: { [property]: { const: value } }, required: [property] }
      // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
      return [{ if: when, then: { $ref: `${refPrefix}${openPrefix}${name}` } }]
    })
  }
}

/** The same schema, whose references mean the definitions as published. */
export function asPublished(schema: JsonSchema): JsonSchema {
  const rewrite = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rewrite)
    if (!isObject(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        key === '$ref' && typeof item === 'string' && item.startsWith(refPrefix)
          ? `${refPrefix}${publishedPrefix}${item.slice(refPrefix.length)}`
          : rewrite(item),
      ]),
    )
  }
  return rewrite(schema) as JsonSchema
}

function mapValues(
  map: SchemaObject,
  change: (schema: JsonSchema) => JsonSchema,
): Record<string, JsonSchema> {
  return Object.fromEntries(
    Object.entries(map).map(([name, schema]) => [name, change(schema as JsonSchema)]),
  )
}
