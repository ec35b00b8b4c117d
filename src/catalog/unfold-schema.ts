import { isRecord, type JsonRecord, listOf, recordOf } from './json.ts'
import type { Direction } from './one-way.ts'
import { sampleLeaf } from './sample-leaf.ts'

/** Which of the values that a schema allows is wanted. */
export type Choice = {
  /** examples of the author: all, only those of single values, or none */
  examples: 'all' | 'leaves' | 'none'
  optional: boolean
  /** which alternative of each `oneOf`, `anyOf`, discriminator */
  branch: number
}

export type Unfolding = {
  definitions: Readonly<Record<string, unknown>>
  direction: Direction
  choice: Choice
}

const budget = 4_000

/**
 * A schema as a finite tree without references or alternatives, every leaf with the value that it will have: what a
 * sampler can walk in bounded time, whatever the document looks like.
 * @returns undefined when there is no such value: a schema that contains itself, or is larger than the budget
 */
export function unfoldSchema(schema: unknown, unfolding: Unfolding): JsonRecord | undefined {
  let spent = 0
  const { definitions, direction, choice } = unfolding

  function unfold(
    source: unknown,
    open: ReadonlySet<string>,
    times: number,
  ): JsonRecord | undefined {
    spent += times
    if (spent > budget || source === false) return undefined
    const flat = flatten(source, open, { definitions, branch: choice.branch })
    if (flat === undefined) return undefined
    const merged = merge(flat.parts)
    const type = typeOf(merged)
    const isLeaf = type !== 'object' && type !== 'array'
    const example = listOf(isLeaf ? merged.examples : flat.examples)[0]
    const wanted = choice.examples === 'all' || (choice.examples === 'leaves' && isLeaf)
    if (wanted && example !== undefined) return { const: example }
    if ('const' in merged) return { const: merged.const }
    const choices = listOf(merged.enum)
    if (choices.length > 0) return { const: choices[choice.branch % choices.length] }
    if (type === 'object') return unfoldObject(merged, flat.open, times)
    if (type === 'array') return unfoldArray(merged, flat.open, times)
    const value = sampleLeaf({ ...merged, type })
    return value === undefined ? undefined : { const: value }
  }

  function unfoldObject(merged: JsonRecord, open: ReadonlySet<string>, times: number) {
    const declared = recordOf(merged.properties)
    const required = listOf(merged.required).map(String)
    const properties: JsonRecord = {}
    for (const [name, property] of Object.entries(declared)) {
      const needed = required.includes(name)
      if (!(needed || choice.optional) || isHidden(property)) continue
      const value = unfold(property, open, times)
      if (value === undefined && needed) return undefined
      if (value !== undefined) properties[name] = value
    }
    for (const name of required) if (!(name in declared)) properties[name] = { const: 'text' }
    const least = Number(merged.minProperties ?? 0)
    const others = merged.additionalProperties
    const free = Object.keys(declared).length === 0 && choice.optional && isRecord(others) ? 1 : 0
    for (let i = 1; Object.keys(properties).length < Math.min(20, least) || i <= free; i += 1) {
      const value = unfold(isRecord(others) ? others : { type: 'string' }, open, times)
      if (value === undefined) break
      properties[`property${i}`] = value
    }
    const most = merged.maxProperties
    return {
      type: 'object',
      properties,
      required,
      ...(typeof most === 'number' && { maxProperties: most }),
    }
  }

  function unfoldArray(merged: JsonRecord, open: ReadonlySet<string>, times: number) {
    const most = typeof merged.maxItems === 'number' ? merged.maxItems : Number.POSITIVE_INFINITY
    const least = Number(merged.minItems ?? 0)
    const count = Math.min(most, Math.max(1, least))
    const fixed = listOf(merged.prefixItems).map((item) => unfold(item, open, times))
    if (fixed.some((item) => item === undefined)) return undefined
    if (fixed.length > 0) return { type: 'array', prefixItems: fixed }
    const item = count === 0 ? undefined : unfold(merged.items ?? {}, open, times * count)
    if (item === undefined) return least > 0 ? undefined : { const: [] }
    if (merged.uniqueItems === true && count > 1) return distinctItems(merged.items, item, count)
    return { type: 'array', items: item, minItems: count, maxItems: count }
  }

  function distinctItems(items: unknown, first: JsonRecord, count: number): JsonRecord | undefined {
    const flat = flatten(items, new Set(), { definitions, branch: choice.branch })
    const choices = listOf(merge(flat?.parts ?? []).enum)
    if (choices.length >= count) return { const: choices.slice(0, count) }
    const value = first.const
    if (typeof value !== 'string' && typeof value !== 'number') return undefined
    const step =
      typeof value === 'string' ? (i: number) => `${value}${i || ''}` : (i: number) => value + i
    return { const: Array.from({ length: count }, (_, i) => step(i)) }
  }

  const isHidden = (property: unknown): boolean => {
    const name = nameOf(recordOf(property).$ref)
    const target = name === undefined ? undefined : definitions[name]
    const key = direction === 'request' ? 'readOnly' : 'writeOnly'
    return recordOf(property)[key] === true || recordOf(target)[key] === true
  }

  return unfold(schema, new Set(), 1)
}

const nameOf = (ref: unknown): string | undefined =>
  typeof ref === 'string' ? ref.replace('#/$defs/', '') : undefined

type Flat = { parts: JsonRecord[]; examples: unknown; open: ReadonlySet<string> }
type Context = { definitions: Readonly<Record<string, unknown>>; branch: number }

/** What holds for a value itself: the schema, what it refers to, extends and chooses. */
function flatten(source: unknown, open: ReadonlySet<string>, context: Context): Flat | undefined {
  if (!isRecord(source)) return { parts: [], examples: undefined, open }
  const parts: JsonRecord[] = [source]
  // Below a value everything that made it counts as open; beside it, only what leads to it does.
  const seen = new Set(open)
  let above = open
  let examples = source.examples
  const add = (item: unknown, sameValue = false): boolean => {
    const flat = flatten(item, above, context)
    if (flat === undefined) return false
    parts.push(...flat.parts)
    for (const name of flat.open) seen.add(name)
    if (sameValue) examples ??= flat.examples
    return true
  }
  const name = nameOf(source.$ref)
  if (name !== undefined) {
    if (open.has(name)) return undefined
    above = new Set([...open, name])
    seen.add(name)
    if (!add(context.definitions[name], true)) return undefined
  }
  const discriminator = recordOf(source.discriminator)
  const mapping = Object.entries(recordOf(discriminator.mapping))
  const chosen = mapping[context.branch % Math.max(1, mapping.length)]
  for (const item of listOf(source.allOf)) {
    if (chosen !== undefined && isRecord(item) && 'if' in item) continue
    if (!add(item)) return undefined
  }
  if (chosen !== undefined) {
    parts.push({ properties: { [String(discriminator.propertyName)]: { const: chosen[0] } } })
    if (!add({ $ref: chosen[1] })) return undefined
  }
  for (const keyword of ['oneOf', 'anyOf']) {
    const alternatives = listOf(source[keyword])
    const first = context.branch % Math.max(1, alternatives.length)
    const order = [...alternatives.slice(first), ...alternatives.slice(0, first)]
    // An alternative that contains the schema itself is passed over for one that does not.
    if (alternatives.length > 0 && !order.some((item) => add(item))) return undefined
  }
  return { parts, examples, open: seen }
}

const highest = new Set(['minimum', 'exclusiveMinimum', 'minLength', 'minItems', 'minProperties'])
const lowest = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties'])

function merge(parts: readonly JsonRecord[]): JsonRecord {
  const merged: JsonRecord = {}
  for (const part of parts) {
    for (const [keyword, value] of Object.entries(part)) {
      merged[keyword] = keyword in merged ? combine(keyword, merged[keyword], value) : value
    }
  }
  return merged
}

function combine(keyword: string, before: unknown, value: unknown): unknown {
  if (highest.has(keyword)) return Math.max(Number(before), Number(value))
  if (lowest.has(keyword)) return Math.min(Number(before), Number(value))
  if (keyword === 'required') return [...new Set([...listOf(before), ...listOf(value)])]
  if (keyword === 'type' || keyword === 'enum') {
    const allowed = new Set([value].flat())
    const both = [before].flat().filter((one) => allowed.has(one))
    return both.length > 0 ? both : value
  }
  if (keyword === 'properties') {
    const all: JsonRecord = { ...recordOf(before) }
    for (const [name, schema] of Object.entries(recordOf(value)))
      all[name] = name in all ? { allOf: [all[name], schema] } : schema
    return all
  }
  if (keyword === 'items') return { allOf: [before, value] }
  return before
}

function typeOf(merged: JsonRecord): string {
  const types = [merged.type].flat().filter((type) => typeof type === 'string')
  const type = types.find((one) => one !== 'null') ?? types[0]
  if (type !== undefined) return type
  const has = (...keywords: string[]): boolean => keywords.some((keyword) => keyword in merged)
  if (has('properties', 'required', 'additionalProperties', 'minProperties')) return 'object'
  if (has('items', 'prefixItems', 'minItems')) return 'array'
  if (has('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'))
    return 'number'
  return has('pattern', 'format', 'minLength', 'maxLength') ? 'string' : 'object'
}
