import type { ErrorObject } from 'ajv'
import { faultWords } from '#platform/fault-words'
import type { Operation } from '../operation.ts'
import { shownName } from './describe-faults.ts'
import { isPersonalName } from './mask-value.ts'

/**
 * One way in which an answer is not what its document says, for the owner of the API. No value is in it.
 * @public
 */
export type BrokenRule = {
  /** a keyword of JSON Schema, `undeclared`, or the name of a rule that is in no schema */
  keyword: string
  /** where the rule is in the published document; empty when it is in none */
  schemaPath: string
  /** what is wrong, in words */
  message: string
  /** what tells this fault from others of the same rule: the name of a field that is not declared */
  field?: string
}

/** Rules that no schema has, in words. */
const otherRules = {
  status: 'the status is not documented',
  'media-type': 'the media type is not documented for this status',
  body: 'there is a body where none is documented',
  json: 'the body is no JSON that has one reading',
  'error-model': 'the error is not in the standard’s form (`status`, `code`, `message`)',
  'error-code': 'the code of the error is neither of the document nor of the standard',
  'resource-id': 'the answer has no id of the thing that it made',
  'resource-owner': 'the new thing has the id of one that another caller made',
  reserved: 'a field that is not declared has a reserved name, such as `constructor`',
} as const

/** @public */
export const brokenRule = (keyword: keyof typeof otherRules): BrokenRule[] => [
  { keyword, schemaPath: '', message: otherRules[keyword] },
]

const undeclared = new Set(['unevaluatedProperties', 'additionalProperties'])

/**
 * What a validator found, as the API's owner reads it: the place in the published document, and plain words.
 * @public
 */
export function brokenRules(operation: Operation, faults: readonly ErrorObject[]): BrokenRule[] {
  return faults.flatMap((fault) => {
    // It says that one of two parts failed, which the part itself says.
    if (fault.keyword === 'if') return []
    const schemaPath = operation.validators.placeOf(fault)
    const at = fieldsOf(fault.instancePath, operation)
    if (undeclared.has(fault.keyword)) {
      const { unevaluatedProperty, additionalProperty } = fault.params as Record<string, unknown>
      const name = shownField(String(unevaluatedProperty ?? additionalProperty))
      const field = at === '' ? name : `${at}.${name}`
      const message = `the field \`${field}\` is not declared`
      return [{ keyword: 'undeclared', schemaPath, message, field }]
    }
    const { keyword } = fault
    if (keyword === 'required') {
      const name = String((fault.params as Record<string, unknown>).missingProperty)
      const field = at === '' ? name : `${at}.${name}`
      return [{ keyword, schemaPath, message: `the field \`${field}\` is missing`, field }]
    }
    const subject = at === '' ? 'the body' : `the field \`${at}\``
    return [{ keyword, schemaPath, message: `${subject} ${faultWords(fault)}` }]
  })
}

const shownField = (name: string): string =>
  isPersonalName(name) ? '(a name)' : shownName(name).slice(0, 64)

/** The way to a field by declared names only: the names in a map are data, and so is a place in a list. */
const fieldsOf = (instancePath: string, operation: Operation): string =>
  instancePath
    .split('/')
    .slice(1)
    .map((part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~')
      if (/^[0-9]+$/.test(name)) return '[]'
      return operation.validators.declares(name) ? name : '*'
    })
    .join('.')
    .replaceAll('.[]', '[]')
    .slice(0, 200)
