import type { UpstreamResponse } from '../exchange.ts'
import { parseJson } from '../payload/json-body.ts'
import { parseMediaType } from '../payload/media-type.ts'

/** Where two responses differ, and how; never what they said. */
export type Difference = {
  /** a field path such as `items[].state`; empty for the response itself */
  path: string
  kind:
    | 'status'
    | 'media type'
    | 'body'
    | 'missing'
    | 'added'
    | 'type'
    | 'value'
    | 'length'
    | 'order'
}

export type ComparisonTerms = {
  /** fields that are expected to differ, with all that is below them; `*` is any member, `[]` any element */
  ignore: readonly string[]
  /** by how much a number, or a time in seconds, may differ */
  tolerances: Readonly<Record<string, number>>
}

const mostDifferences = 50

/**
 * Compares what a shadow answered with what the caller was answered: status, media type, and the body field by field.
 * The order of a list matters; the same elements in another order are one difference of kind `order`.
 * @param known names of members that the document declares; any other may be somebody's data and is shown as `*`
 */
export function compareResponses(
  real: UpstreamResponse,
  shadow: UpstreamResponse,
  terms: ComparisonTerms,
  known: ReadonlySet<string>,
): readonly Difference[] {
  if (real.status !== shadow.status) return [{ path: '', kind: 'status' }]
  const type = typeOf(real)
  if (type?.essence !== typeOf(shadow)?.essence) return [{ path: '', kind: 'media type' }]
  if (real.body.equals(shadow.body)) return []
  if (type?.json !== true) return [{ path: '', kind: 'body' }]
  const one = parseJson(real.body)
  const other = parseJson(shadow.body)
  if (!one.ok || !other.ok) return [{ path: '', kind: 'body' }]
  const comparison = new Comparison(terms, known)
  comparison.compare(one.value, other.value, [])
  return comparison.differences
}

const typeOf = (response: UpstreamResponse): ReturnType<typeof parseMediaType> => {
  const field = response.headers['content-type']
  return typeof field === 'string' ? parseMediaType(field) : undefined
}

class Comparison {
  differences: Difference[] = []
  #ignored: readonly (readonly string[])[]
  #tolerances: readonly { path: readonly string[]; by: number }[]
  #known: ReadonlySet<string>

  constructor({ ignore, tolerances }: ComparisonTerms, known: ReadonlySet<string>) {
    this.#ignored = ignore.map(partsOf)
    this.#tolerances = Object.entries(tolerances).map(([path, by]) => ({ path: partsOf(path), by }))
    this.#known = known
  }

  compare(one: unknown, other: unknown, path: readonly string[]): void {
    if (this.differences.length >= mostDifferences) return
    if (this.#ignored.some((pattern) => matches(pattern, path))) return
    if (Array.isArray(one) && Array.isArray(other)) this.#compareLists(one, other, path)
    else if (isObject(one) && isObject(other)) this.#compareObjects(one, other, path)
    else if (one !== other) {
      if (kindOf(one) !== kindOf(other)) this.#add('type', path)
      else if (!this.#isTolerated(one, other, path)) this.#add('value', path)
    }
  }

  #compareObjects(
    one: Readonly<Record<string, unknown>>,
    other: Readonly<Record<string, unknown>>,
    path: readonly string[],
  ): void {
    for (const name of Object.keys(one))
      if (Object.hasOwn(other, name)) this.compare(one[name], other[name], [...path, name])
      else this.#add('missing', [...path, name])
    for (const name of Object.keys(other))
      if (!Object.hasOwn(one, name)) this.#add('added', [...path, name])
  }

  #compareLists(one: readonly unknown[], other: readonly unknown[], path: readonly string[]): void {
    const below = [...path, '[]']
    if (one.length !== other.length) {
      this.#add('length', below)
      return
    }
    const before = this.differences
    this.differences = []
    for (const [i, element] of one.entries()) this.compare(element, other[i], below)
    const found = this.differences
    this.differences = before
    if (found.length > 0 && isReordered(one, other)) this.#add('order', below)
    else this.differences = [...before, ...found].slice(0, mostDifferences)
  }

  #isTolerated(one: unknown, other: unknown, path: readonly string[]): boolean {
    const by = this.#tolerances.find((tolerance) => isAt(tolerance.path, path))?.by
    if (by === undefined) return false
    // A last bit of binary arithmetic is no difference: 0.3 - 0.2 is within 0.1.
    const within = by + by * 1e-9
    if (typeof one === 'number' && typeof other === 'number') return Math.abs(one - other) <= within
    const a = timeOf(one)
    const b = timeOf(other)
    return a !== undefined && b !== undefined && Math.abs(a - b) <= within * 1_000
  }

  #add(kind: Difference['kind'], path: readonly string[]): void {
    if (this.#ignored.some((pattern) => matches(pattern, path))) return
    const shown = path.map((part) => (part === '[]' || this.#known.has(part) ? part : '*'))
    this.differences.push({ path: textOf(shown), kind })
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value

/** `items[].owner.name` as `items`, `[]`, `owner`, `name`. */
export function partsOf(path: string): readonly string[] {
  return path.match(/\[\]|[^.[\]]+/g) ?? []
}

const textOf = (parts: readonly string[]): string => parts.join('.').replaceAll('.[]', '[]')

/** Whether a path is the pattern's, or below it. */
const matches = (pattern: readonly string[], path: readonly string[]): boolean =>
  pattern.length <= path.length && pattern.every((part, i) => isPart(part, path[i]))

const isAt = (pattern: readonly string[], path: readonly string[]): boolean =>
  pattern.length === path.length && matches(pattern, path)

const isPart = (pattern: string, part: string | undefined): boolean =>
  pattern === part || (pattern === '*' && part !== '[]')

const rfc3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[Zz]|[+-]\d{2}:\d{2})$/

function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'string' || !rfc3339.test(value)) return undefined
  const ms = Date.parse(value)
  return Number.isNaN(ms) ? undefined : ms
}

/** Whether one list has the elements of the other, each as often and with its members in the same order. */
function isReordered(one: readonly unknown[], other: readonly unknown[]): boolean {
  const left = new Map<string, number>()
  for (const element of other) {
    const text = JSON.stringify(element)
    left.set(text, (left.get(text) ?? 0) + 1)
  }
  return one.every((element) => {
    const text = JSON.stringify(element)
    const count = left.get(text) ?? 0
    left.set(text, count - 1)
    return count > 0
  })
}
