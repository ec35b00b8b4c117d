import type { ErrorObject } from 'ajv'
import type { Violation } from '#platform/app-error'
import { faultWords } from '#platform/fault-words'

const mostShown = 20

/**
 * What a validator found, for the caller: which field and what it must be, never the value, which may name a person.
 * @public
 */
export function describeFaults(errors: readonly ErrorObject[], prefix = ''): Violation[] {
  const seen = new Set<string>()
  const violations: Violation[] = []
  for (const error of errors) {
    const violation = describe(error, prefix)
    if (violation === undefined) continue
    const key = `${violation.path} ${violation.message}`
    if (seen.has(key)) continue
    seen.add(key)
    violations.push(violation)
    if (violations.length === mostShown) break
  }
  return violations.length > 0
    ? violations
    : [{ path: prefix, message: prefix === '' ? 'The body is not valid' : 'is not valid' }]
}

/**
 * Whether nothing but documented numeric ranges is violated.
 * @public
 */
export const isOnlyOutOfRange = (errors: readonly ErrorObject[]): boolean =>
  errors.length > 0 && errors.every((error) => rangeKeywords.has(error.keyword))

const rangeKeywords = new Set(['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'])

function describe(error: ErrorObject, prefix: string): Violation | undefined {
  const base = prefix + shownPath(error.instancePath)
  const params = error.params as Readonly<Record<string, unknown>>
  switch (error.keyword) {
    case 'if':
      return undefined
    case 'required':
    case 'dependentRequired':
      return { path: `${base}/${String(params.missingProperty)}`, message: faultWords(error) }
    case 'unevaluatedProperties':
    case 'additionalProperties': {
      const name = String(params.unevaluatedProperty ?? params.additionalProperty)
      return { path: `${base}/${shownName(name)}`, message: faultWords(error) }
    }
    default:
      return { path: base, message: `${base === '' ? 'The body ' : ''}${faultWords(error)}` }
  }
}

const shownPath = (pointer: string): string =>
  pointer
    .split('/')
    .map((part, i) => (i === 0 ? '' : shownName(part)))
    .join('/')

/**
 * A name that somebody made up may be somebody's number: only what looks like a name is repeated.
 * @public
 */
export const shownName = (name: string): string =>
  (/^[A-Za-z_][\w.-]{0,63}$/.test(name) && !/\d{5}/.test(name)) || /^\d{1,4}$/.test(name)
    ? name
    : '(a name)'
