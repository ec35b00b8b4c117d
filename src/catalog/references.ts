import { type Path, pathOf } from './faults.ts'
import { isRecord, valueAt } from './json.ts'

/** A value and the place where it really stands. */
export type Located = { value: unknown; path: Path }

const longestChain = 50

/**
 * Follows a reference object to what it means; a value that is no reference is itself.
 * @returns the value undefined when the reference leads nowhere, or only to itself
 */
export function dereference(document: unknown, located: Located): Located {
  let { value, path } = located
  for (let hops = 0; isRecord(value) && typeof value.$ref === 'string'; hops += 1) {
    const target = hops < longestChain ? pathOf(value.$ref) : undefined
    if (target === undefined) return { value: undefined, path }
    path = target
    value = valueAt(document, target)
  }
  return { value, path }
}
