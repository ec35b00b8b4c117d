import type { OpenApiVersion } from './check-structure.ts'
import { alternativesOf, asConditions, findFamilies } from './discriminator.ts'
import type { JsonSchema } from './entry.ts'
import { type Path, pathOf, pointerOf } from './faults.ts'
import { isRecord, type JsonRecord, listOf, recordOf, textOf, valueAt } from './json.ts'
import { applyDirection, type Direction, oneWaySchemas } from './one-way.ts'
import { unicodePattern } from './pattern.ts'
import {
  annotationsOf,
  knownFormats,
  listKeywords,
  mapKeywords,
  mapValues,
  plainKeywords,
  schemaKeywords,
} from './schema-keywords.ts'

export type Definition = { schema: JsonSchema; path: Path }

/** The schemas of a document as JSON Schema 2020-12. */
export interface ConvertedSchemas {
  /** the schema at a place; what it refers to becomes a definition */
  schemaAt(path: Path, direction: Direction): JsonSchema
  /** a reference to the schema at a place, which becomes a definition of that name itself */
  definitionAt(path: Path, direction: Direction, name: string): JsonSchema
  /** every definition that was needed so far; references lead to them as `#/$defs/<name>` */
  readonly definitions: ReadonlyMap<string, Definition>
}

/** `base`: without the alternatives of its discriminator, which is what a schema that extends it means. */
type Wanted = { path: Path; direction: Direction; oneWay: boolean; base: boolean }

/** Converts on demand, so that only what operations use is kept. References must have been checked. */
export function convertSchemas(document: unknown, version: OpenApiVersion): ConvertedSchemas {
  const definitions = new Map<string, Definition>()
  const nameFor = createNames()
  const isOneWay = oneWaySchemas(document)
  const families = findFamilies(document)

  function define(wanted: Wanted, preferred?: string): JsonSchema {
    const name = nameFor(wanted, preferred)
    if (!definitions.has(name)) {
      // Entered before it is converted: a schema may contain itself.
      definitions.set(name, { schema: {}, path: wanted.path })
      definitions.set(name, { schema: convertDefinition(wanted), path: wanted.path })
    }
    return { $ref: `#/$defs/${name}` }
  }

  function refer(path: Path, direction: Direction, base = false): JsonSchema {
    const isBase = base && families.has(pointerOf(path))
    return define({ path, direction, oneWay: isOneWay(path, direction), base: isBase })
  }

  function convertDefinition({ path, direction, base }: Wanted): JsonSchema {
    const source = valueAt(document, path)
    const family = base ? undefined : families.get(pointerOf(path))
    if (family === undefined) return convert(source, direction, true)
    const conditions = asConditions(family, (target) => refer(target, direction))
    return {
      ...annotationsOf(recordOf(source)),
      discriminator: conditions.discriminator,
      allOf: [refer(path, direction, true), ...conditions.allOf],
    }
  }

  /** `extending`: still at the level of a component itself, where a reference in `allOf` is inheritance. */
  function convert(source: unknown, direction: Direction, extending = false): JsonSchema {
    if (typeof source === 'boolean') return source
    if (!isRecord(source)) return {}
    const target = typeof source.$ref === 'string' ? pathOf(source.$ref) : undefined
    const alone = version === '3.0' || Object.keys(source).length === 1
    // In 3.0 whatever stands beside a reference is ignored.
    if (target !== undefined && alone) return refer(target, direction, extending)
    const schema = annotationsOf(source)
    if (target !== undefined) Object.assign(schema, refer(target, direction, extending))
    for (const [keyword, value] of Object.entries(source)) {
      const converted = convertKeyword(keyword, value, direction, extending)
      if (converted !== undefined) schema[keyword] = converted
    }
    applyDirection(schema, source, document, direction)
    applyAlternatives(schema, source, direction)
    return version === '3.0' ? fromVersion30(schema, source) : schema
  }

  function convertKeyword(
    keyword: string,
    value: unknown,
    direction: Direction,
    extending: boolean,
  ): unknown {
    const one = (item: unknown): JsonSchema => convert(item, direction)
    if (plainKeywords.has(keyword)) return value
    if (keyword === 'enum')
      return [...new Map(listOf(value).map((v) => [JSON.stringify(v), v])).values()]
    if (keyword === 'format') return knownFormats.has(textOf(value)) ? value : undefined
    if (keyword === 'pattern') return unicodePattern(textOf(value))
    if (keyword === 'allOf') return listOf(value).map((item) => convert(item, direction, extending))
    if (schemaKeywords.has(keyword)) return one(value)
    if (listKeywords.has(keyword)) return listOf(value).map(one)
    if (keyword === 'patternProperties')
      return Object.fromEntries(
        Object.entries(recordOf(value)).map(([name, item]) => [unicodePattern(name), one(item)]),
      )
    // Definitions of its own are reached by references, which turn them into definitions of the document.
    if (mapKeywords.has(keyword) && keyword !== '$defs') return mapValues(recordOf(value), one)
    return undefined
  }

  function applyAlternatives(schema: JsonRecord, source: JsonRecord, direction: Direction): void {
    const family = alternativesOf(document, source)
    if (family === undefined) return
    const conditions = asConditions(family, (path) => refer(path, direction))
    schema.allOf = [...listOf(schema.allOf), ...conditions.allOf]
    schema.discriminator = conditions.discriminator
    delete schema['oneOf' in source ? 'oneOf' : 'anyOf']
  }

  return {
    schemaAt: (path, direction) => convert(valueAt(document, path), direction),
    definitionAt: (path, direction, name) =>
      define({ path, direction, oneWay: isOneWay(path, direction), base: false }, name),
    definitions,
  }
}

/** A name for each definition: the component's, with what makes it another one behind a dot. */
function createNames(): (wanted: Wanted, preferred?: string) => string {
  const names = new Map<string, string>()
  const used = new Set<string>()
  return ({ path, direction, oneWay, base }, preferred) => {
    const suffix = `${base ? '.base' : ''}${oneWay ? `.${direction}` : ''}`
    const key = `${pointerOf(path)} ${suffix}`
    const known = names.get(key)
    if (known !== undefined) return known
    const plain = (preferred ?? nameOf(path)).replace(/[^A-Za-z0-9._-]+/g, '_')
    let name = `${plain}${suffix}`
    for (let i = 2; used.has(name); i += 1) name = `${plain}_${i}${suffix}`
    used.add(name)
    names.set(key, name)
    return name
  }
}

const nameOf = (path: Path): string =>
  path[0] === 'components' && path[1] === 'schemas'
    ? path.slice(2).join('_')
    : path.slice(-3).join('_')

/** The keywords that OpenAPI 3.0 has otherwise than JSON Schema. */
function fromVersion30(schema: JsonRecord, source: JsonRecord): JsonRecord {
  for (const [exclusive, limit] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (typeof schema[exclusive] !== 'boolean') continue
    const value = schema[limit]
    const applies = schema[exclusive] === true && typeof value === 'number'
    delete schema[exclusive]
    if (applies) {
      schema[exclusive] = value
      delete schema[limit]
    }
  }
  return source.nullable === true ? orNull(schema) : schema
}

function orNull(schema: JsonRecord): JsonRecord {
  if (typeof schema.type !== 'string') {
    // Without a type the word has no meaning in the letter of 3.0.3, and one meaning to every author.
    const constrains = Object.keys(schema).some(
      (k) => k === 'allOf' || k === 'anyOf' || k === 'oneOf' || k === 'enum',
    )
    if (!constrains) return schema
    const annotations = annotationsOf(schema)
    const rest = Object.fromEntries(Object.entries(schema).filter(([k]) => !(k in annotations)))
    return { ...annotations, anyOf: [rest, { type: 'null' }] }
  }
  const nullable: JsonRecord = { ...schema, type: [schema.type, 'null'] }
  if (Array.isArray(schema.enum) && !schema.enum.includes(null))
    nullable.enum = [...schema.enum, null]
  return nullable
}
