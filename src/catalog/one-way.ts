import { type Path, pathOf, pointerOf } from './faults.ts'
import { isRecord, type JsonRecord, recordOf, valueAt } from './json.ts'
import { dereference } from './references.ts'
import { walkObject } from './walk-document.ts'

/** Which way a body goes: `readOnly` properties are no part of a request, `writeOnly` ones none of an answer. */
export type Direction = 'request' | 'response'

const annotation = { request: 'readOnly', response: 'writeOnly' } as const

/** @returns whether a schema, or one that it leads to, is not the same in both directions */
export function oneWaySchemas(document: unknown): (path: Path, direction: Direction) => boolean {
  const known = { request: new Map<string, boolean>(), response: new Map<string, boolean>() }
  return (path, direction) => {
    const pointer = pointerOf(path)
    const before = known[direction].get(pointer)
    if (before !== undefined) return before
    const found = leadsToOneWay(document, path, annotation[direction])
    known[direction].set(pointer, found)
    return found
  }
}

function leadsToOneWay(document: unknown, from: Path, name: string): boolean {
  const seen = new Set([pointerOf(from)])
  const open: Path[] = [from]
  let found = false
  for (let path = open.pop(); path !== undefined && !found; path = open.pop()) {
    walkObject('schema', valueAt(document, path), path, (kind, value) => {
      if (kind !== 'schema' || !isRecord(value)) return
      if (value[name] === true) found = true
      const target = typeof value.$ref === 'string' ? pathOf(value.$ref) : undefined
      if (target === undefined || seen.has(pointerOf(target))) return
      seen.add(pointerOf(target))
      open.push(target)
    })
  }
  return found
}

/**
 * A `readOnly` property need not be in a request, even when it is required (OpenAPI 3, Schema Object); a `writeOnly`
 * one is no part of an answer.
 */
export function applyDirection(
  schema: JsonRecord,
  source: JsonRecord,
  document: unknown,
  direction: Direction,
): void {
  const properties = recordOf(source.properties)
  const names = Object.keys(properties).filter((name) => {
    const property = properties[name]
    const meaning = dereference(document, { value: property, path: [] }).value
    const key = annotation[direction]
    return recordOf(property)[key] === true || recordOf(meaning)[key] === true
  })
  if (names.length === 0) return
  if (Array.isArray(schema.required))
    schema.required = schema.required.filter((name) => !names.includes(String(name)))
  if (direction === 'response') {
    const kept = Object.entries(recordOf(schema.properties))
    schema.properties = Object.fromEntries(kept.filter(([name]) => !names.includes(name)))
  }
}
