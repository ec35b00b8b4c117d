/** One step of a field path: a member of this name, any member, or each item of a list. */
type Step = { kind: 'name'; name: string } | { kind: 'any' } | { kind: 'items' }

/**
 * Where a field is in a body: `device.phoneNumber`, `items[].owner.name`, `[].id` in a body that is a list, `*` for any
 * member. A backslash takes a dot, a bracket or a star as a part of the name: `a\.b`.
 * @public
 */
export type FieldPath = {
  /** one spelling for each place: equal texts are equal paths */
  readonly text: string
  readonly steps: readonly Step[]
}

const items: Step = { kind: 'items' }
const any: Step = { kind: 'any' }

/** @public */
export function parseFieldPath(text: string): FieldPath {
  const steps: Step[] = []
  let name = ''
  let escaped = false
  let named = false
  const end = (): void => {
    if (named) steps.push(name === '*' && !escaped ? any : { kind: 'name', name })
    name = ''
    escaped = false
    named = false
  }
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i] ?? ''
    if (character === '\\' && i + 1 < text.length) {
      i += 1
      name += text[i] ?? ''
      escaped = true
      named = true
    } else if (character === '.') end()
    else if (character === '[' && text[i + 1] === ']') {
      end()
      steps.push(items)
      i += 1
    } else {
      name += character
      named = true
    }
  }
  end()
  return { text: steps.map(shown).join(''), steps }
}

const shown = (step: Step, index: number): string => {
  if (step.kind === 'items') return '[]'
  const dot = index === 0 ? '' : '.'
  if (step.kind === 'any') return `${dot}*`
  return `${dot}${step.name === '*' ? '\\*' : step.name.replaceAll(/[\\.[\]]/g, '\\$&')}`
}

/** A place that holds a value: an object and the name of a member, or a list and an index. */
export type Place = {
  readonly owner: Record<string, unknown> | unknown[]
  readonly key: string | number
  readonly value: unknown
}

/**
 * Every place of a value that a path leads to. A list where a path does not expect one is looked into, and a single
 * value where it expects a list is taken for its only item: a document may allow both, and a mask must not miss
 * either. Own members only, whatever they are called.
 * @param named hears of each member that a `*` led through to a place
 * @public
 */
export function placesOf(
  root: { body: unknown },
  path: FieldPath,
  named?: (owner: Record<string, unknown>, name: string) => void,
): Place[] {
  const found: Place[] = []
  walk(path.steps, 0, root, 'body', { found, named })
  return found
}

type Walk = {
  found: Place[]
  named: ((owner: Record<string, unknown>, name: string) => void) | undefined
}

function walk(
  steps: readonly Step[],
  depth: number,
  owner: Record<string, unknown> | unknown[],
  key: string | number,
  to: Walk,
): void {
  const { found } = to
  const value = memberOf(owner, key)
  const step = steps[depth]
  if (step === undefined) {
    found.push({ owner, key, value })
    return
  }
  if (Array.isArray(value)) {
    // Backwards, so that what is taken out does not move what is still to come.
    const next = step.kind === 'name' ? depth : depth + 1
    for (let i = value.length - 1; i >= 0; i -= 1) walk(steps, next, value, i, to)
    return
  }
  if (step.kind === 'items') {
    walk(steps, depth + 1, owner, key, to)
    return
  }
  if (!isObject(value)) return
  if (step.kind === 'any') {
    for (const name of Object.keys(value)) {
      const before = found.length
      walk(steps, depth + 1, value, name, to)
      if (found.length > before) to.named?.(value, name)
    }
  } else if (Object.hasOwn(value, step.name)) walk(steps, depth + 1, value, step.name, to)
}

/** @public */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value)

/**
 * Reads an own member; `__proto__` is a name like any other.
 * @public
 */
export function memberOf(
  owner: Record<string, unknown> | unknown[],
  key: string | number,
): unknown {
  if (typeof key === 'number') return (owner as unknown[])[key]
  if (key !== '__proto__') return (owner as Record<string, unknown>)[key]
  return Object.getOwnPropertyDescriptor(owner, key)?.value
}

/**
 * Writes an own member; undefined takes it out.
 * @public
 */
export function putMember({ owner, key }: Place, value: unknown): void {
  if (typeof key === 'number') {
    if (value === undefined) (owner as unknown[]).splice(key, 1)
    else (owner as unknown[])[key] = value
  } else if (value === undefined) delete (owner as Record<string, unknown>)[key]
  else if (key === '__proto__')
    Object.defineProperty(owner, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  else (owner as Record<string, unknown>)[key] = value
}

/**
 * The values that a path leads to, for reading.
 * @public
 */
export const valuesAt = (body: unknown, path: FieldPath): unknown[] =>
  path.steps.length === 0 ? [body] : placesOf({ body }, path).map(({ value }) => value)
