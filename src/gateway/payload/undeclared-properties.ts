import type { ErrorObject } from 'ajv'
import type { Validator } from './api-validators.ts'

const undeclared = new Set(['unevaluatedProperties', 'additionalProperties'])
/** one round for each level of nesting at most */
const rounds = 32

/**
 * Takes out of a response what its document does not declare, in place: the caller gets the answer, and nothing that
 * was never promised to anyone leaves.
 * @param twin the same value in another form, from which the same is taken out
 * @returns whether it is valid then; false when undeclared properties are not all that is wrong
 * @public
 */
export function stripUndeclared(
  value: unknown,
  faults: readonly ErrorObject[],
  validate: Validator,
  twin?: unknown,
): boolean {
  let left: readonly ErrorObject[] | undefined = faults
  for (let round = 0; round < rounds && left !== undefined; round += 1) {
    const certain = certainFaults(left)
    if (!certain.every(isUndeclared) || !takeOut(value, certain)) return false
    if (twin !== undefined) takeOut(twin, certain)
    left = validate(value)
  }
  return left === undefined
}

/**
 * Every fault of a request that is certain, those behind undeclared properties included. Takes these out of the value,
 * which is of no use after that.
 * @public
 */
export function collectFaults(
  value: unknown,
  faults: readonly ErrorObject[],
  validate: Validator,
): ErrorObject[] {
  const found: ErrorObject[] = []
  let left: readonly ErrorObject[] | undefined = faults
  for (let round = 0; round < rounds && left !== undefined; round += 1) {
    const certain = certainFaults(left)
    found.push(...certain)
    if (!certain.every(isUndeclared) || !takeOut(value, certain)) break
    left = validate(value)
  }
  return found
}

const isUndeclared = (fault: ErrorObject): boolean => undeclared.has(fault.keyword)

/**
 * A part of a composition that fails says nothing about the properties that it declares (JSON Schema 2020-12 core,
 * section 7.7.1.2), so they look undeclared. Such a fault is certain only when nothing else is wrong with its object.
 * @public
 */
export function certainFaults(faults: readonly ErrorObject[]): ErrorObject[] {
  /** where something else is wrong, there or below */
  const disturbed = new Set<string>()
  for (const { keyword, instancePath } of faults) {
    if (keyword !== 'unevaluatedProperties') disturbed.add(instancePath)
    let above = instancePath.lastIndexOf('/')
    while (above >= 0 && !disturbed.has(instancePath.slice(0, above))) {
      disturbed.add(instancePath.slice(0, above))
      above = instancePath.lastIndexOf('/', above - 1)
    }
  }
  return faults.filter(
    ({ keyword, instancePath }) =>
      keyword !== 'unevaluatedProperties' || !disturbed.has(instancePath),
  )
}

/** @returns false when a property is not where the fault says */
function takeOut(value: unknown, faults: readonly ErrorObject[]): boolean {
  if (faults.length === 0) return false
  for (const { instancePath, params } of faults) {
    const owner = at(value, instancePath)
    const { unevaluatedProperty, additionalProperty } = params as Readonly<Record<string, unknown>>
    if (typeof owner !== 'object' || owner === null) return false
    delete (owner as Record<string, unknown>)[String(unevaluatedProperty ?? additionalProperty)]
  }
  return true
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
