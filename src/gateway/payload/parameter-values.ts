import type { SnapshotParameter } from '#snapshot'
import { decodePart } from '../edge/canonical-path.ts'
import type { QueryPart } from '../edge/query-string.ts'
import type { Operation } from '../operation.ts'
import { describing } from './schema-properties.ts'

type Schemas = Operation['api']['schemas']

/** The types that a schema allows, behind references and in compositions. */
function typesOf(schema: unknown, schemas: Schemas): ReadonlySet<string> {
  return new Set(
    describing(schema, schemas).flatMap(({ type }) =>
      Array.isArray(type) ? type.map(String) : typeof type === 'string' ? [type] : [],
    ),
  )
}

function propertiesOf(schema: unknown, schemas: Schemas): Map<string, ReadonlySet<string>> {
  const found = new Map<string, ReadonlySet<string>>()
  for (const { properties } of describing(schema, schemas))
    for (const [name, value] of Object.entries((properties as object | undefined) ?? {}))
      found.set(name, typesOf(value, schemas))
  return found
}

const wholeNumber = /^-?(?:0|[1-9][0-9]*)$/
// RFC 8259 section 6: what other readers take besides (`0x10`, ` 1`, `Infinity`, `+1`) has more than one reading.
const anyNumber = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/

/** A text as what its schema asks for; left as it is when it is not that, for the validator to refuse. */
function scalarOf(text: string, types: ReadonlySet<string>): unknown {
  if (types.has('string')) return text
  const isNumber = types.has('number') ? anyNumber : types.has('integer') ? wholeNumber : undefined
  if (isNumber?.test(text) === true) {
    const value = Number(text)
    return Number.isFinite(value) ? value : text
  }
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  return text === '' && types.has('null') ? null : text
}

/** What one parameter says: of a query all parts of that name, elsewhere one text. */
type Reader = {
  name: string
  inQuery(parts: readonly QueryPart[]): unknown
  fromText(text: string): unknown
}

const separators: Readonly<Record<string, string>> = { spaceDelimited: ' ', pipeDelimited: '|' }

/**
 * Reads a parameter as its style writes it (OpenAPI 3, style values): lists and objects in one text or in many.
 * @public
 */
export function parameterReader(parameter: SnapshotParameter, schemas: Schemas): Reader {
  const { name, schema } = parameter
  const types = typesOf(schema, schemas)
  const itemTypes = new Set(
    describing(schema, schemas).flatMap(({ items }) => [...typesOf(items, schemas)]),
  )
  const properties = propertiesOf(schema, schemas)
  const { style = parameter.in === 'query' ? 'form' : 'simple' } = parameter
  const explode = parameter.explode ?? style === 'form'
  const isList = types.has('array')
  const isObject = types.has('object')

  const listOf = (texts: readonly string[]): unknown[] =>
    texts.map((text) => scalarOf(text, itemTypes))
  const objectOf = (pairs: readonly (readonly [string, string])[]): unknown => {
    const object: Record<string, unknown> = Object.create(null)
    for (const [key, text] of pairs) {
      const value = scalarOf(text, properties.get(key) ?? new Set(['string']))
      // A name that comes twice is a list; where one value is wanted, the validator refuses that.
      object[key] = key in object ? [object[key], value].flat() : value
    }
    return object
  }
  const unpacked = (texts: readonly string[], whole: string): unknown => {
    if (isList) return types.has('string') && texts.length === 1 ? whole : listOf(texts)
    if (!isObject) return scalarOf(whole, types)
    if (explode)
      return objectOf(
        texts.map((text) => [text.split('=', 1)[0] ?? '', text.replace(/^[^=]*=?/, '')]),
      )
    if (texts.length % 2 === 1) return whole
    return objectOf(texts.flatMap((text, i) => (i % 2 === 0 ? [[text, texts[i + 1] ?? '']] : [])))
  }

  return {
    name,
    fromText: (text) =>
      isList || isObject ? unpacked(text.split(','), text) : scalarOf(text, types),
    inQuery(parts) {
      if (isObject && style === 'deepObject')
        return membersOf(parts, (part) => memberName(name, part), objectOf)
      if (isObject && style === 'form' && explode)
        return membersOf(parts, (part) => (properties.has(part) ? part : undefined), objectOf)
      const own = parts.filter((part) => part.name === name)
      const [first] = own
      if (first === undefined) return undefined
      // A name that is there twice is a list; where the document wants one value, the validator refuses that.
      if (own.length > 1) return listOf(own.map(({ value }) => value))
      if (!isList && !isObject) return scalarOf(first.value, types)
      if (explode) return types.has('string') ? first.value : listOf([first.value])
      return unpacked(splitPart(first, separators[style]), first.value)
    },
  }
}

function membersOf(
  parts: readonly QueryPart[],
  keyOf: (name: string) => string | undefined,
  objectOf: (pairs: readonly (readonly [string, string])[]) => unknown,
): unknown {
  const pairs = parts.flatMap(({ name, value }): (readonly [string, string])[] => {
    const key = keyOf(name)
    return key === undefined ? [] : [[key, value]]
  })
  return pairs.length === 0 ? undefined : objectOf(pairs)
}

/** `filter[from]` is the member `from` of `filter`; deeper ones have no meaning in OpenAPI. */
function memberName(parameter: string, part: string): string | undefined {
  if (!part.startsWith(`${parameter}[`) || !part.endsWith(']')) return undefined
  const key = part.slice(parameter.length + 1, -1)
  return key === '' || /[[\]]/.test(key) ? undefined : key
}

/** A comma that was written as `%2C` is a part of its value; a space and a bar can only be written so. */
function splitPart({ text, value }: QueryPart, separator: string | undefined): string[] {
  if (separator !== undefined) return value.split(separator)
  return text
    .slice(text.indexOf('=') + 1)
    .split(',')
    .map((part) => decodePart(part.replaceAll('+', ' ')) ?? '')
}

/**
 * Which parts of a query the document knows, by name.
 * @public
 */
export function knownQueryNames(
  parameters: readonly SnapshotParameter[],
  schemas: Schemas,
): (name: string) => boolean {
  const names = new Set<string>()
  const deep: string[] = []
  for (const parameter of parameters) {
    if (parameter.in !== 'query') continue
    const { name, style = 'form', explode = style === 'form', schema } = parameter
    names.add(name)
    if (!typesOf(schema, schemas).has('object')) continue
    if (style === 'deepObject') deep.push(name)
    else if (style === 'form' && explode)
      for (const property of propertiesOf(schema, schemas).keys()) names.add(property)
  }
  if (deep.length === 0) return (name) => names.has(name)
  return (name) => names.has(name) || deep.some((one) => memberName(one, name) !== undefined)
}
