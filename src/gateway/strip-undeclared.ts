import type { ErrorObject } from 'ajv'
import type { Validator } from './api-validators.ts'

const undeclared = new Set(['unevaluatedProperties', 'additionalProperties'])
const rounds = 4

/**
 * Takes out of a response what its document does not declare, in place: the caller gets the answer, and nothing that
 * was never promised to anyone leaves.
 * @returns the names that were taken out; undefined when undeclared properties are not all that is wrong
 */
export function stripUndeclared(
  value: unknown,
  faults: readonly ErrorObject[],
  validate: Validator,
): string[] | undefined {
  const taken: string[] = []
  let left: readonly ErrorObject[] | undefined = faults
  for (let round = 0; round < rounds; round += 1) {
    if (!left.every((fault) => undeclared.has(fault.keyword))) return undefined
    for (const fault of left) {
      const owner = at(value, fault.instancePath)
      const params = fault.params as Readonly<Record<string, unknown>>
      const name = String(params.unevaluatedProperty ?? params.additionalProperty)
      if (typeof owner !== 'object' || owner === null) return undefined
      delete (owner as Record<string, unknown>)[name]
      taken.push(name)
    }
    left = validate(value)
    if (left === undefined) return taken
  }
  return undefined
}

function at(value: unknown, pointer: string): unknown {
  let found = value
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    found = (found as Record<string, unknown>)[name]
  }
  return found
}
