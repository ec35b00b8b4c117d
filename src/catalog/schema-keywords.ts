import { isRecord, type JsonRecord, listOf } from './json.ts'

/** Keywords of JSON Schema 2020-12 whose value is taken as it is. */
export const plainKeywords = new Set([
  'const',
  'contentEncoding',
  'contentMediaType',
  'dependentRequired',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'maxContains',
  'maximum',
  'maxItems',
  'maxLength',
  'maxProperties',
  'minContains',
  'minimum',
  'minItems',
  'minLength',
  'minProperties',
  'multipleOf',
  'required',
  'type',
  'uniqueItems',
])

/** … is a schema. */
export const schemaKeywords = new Set([
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
])

/** … is a list of schemas. */
export const listKeywords = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems'])

/** … is a mapping of names to schemas. */
export const mapKeywords = new Set(['dependentSchemas', 'patternProperties', 'properties', '$defs'])

/** The formats that a validator checks; another one is a remark of the author. */
export const knownFormats = new Set([
  'byte',
  'date',
  'date-time',
  'double',
  'duration',
  'email',
  'float',
  'hostname',
  'int32',
  'int64',
  'ipv4',
  'ipv6',
  'json-pointer',
  'password',
  'binary',
  'regex',
  'relative-json-pointer',
  'time',
  'uri',
  'uri-reference',
  'uri-template',
  'uuid',
])

const annotations = ['title', 'description', 'default', 'deprecated', 'readOnly', 'writeOnly']

/** What a schema says to people, with OpenAPI's `example` as the `examples` of JSON Schema. */
export function annotationsOf(source: JsonRecord): JsonRecord {
  const kept: JsonRecord = {}
  for (const name of annotations) if (name in source) kept[name] = source[name]
  const examples = [...('example' in source ? [source.example] : []), ...listOf(source.examples)]
  if (examples.length > 0) kept.examples = examples
  return kept
}

const forPeople = new Set([...annotations, 'examples', 'discriminator'])

/** The schema without what only people read: what a gateway keeps in memory. */
export function withoutAnnotations(schema: unknown): unknown {
  if (!isRecord(schema)) return schema
  const kept: JsonRecord = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (forPeople.has(keyword)) continue
    if (schemaKeywords.has(keyword)) kept[keyword] = withoutAnnotations(value)
    else if (listKeywords.has(keyword) && Array.isArray(value))
      kept[keyword] = value.map(withoutAnnotations)
    else if (mapKeywords.has(keyword) && isRecord(value))
      kept[keyword] = mapValues(value, withoutAnnotations)
    else kept[keyword] = value
  }
  return kept
}

/** The same names with other values; `__proto__` is a name like any other. */
export function mapValues<T>(map: JsonRecord, change: (value: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, change(value)]))
}
