import type { ErrorObject } from 'ajv'

/**
 * What a validator found, in one plain wording for everybody who reads it: callers, owners of APIs, operators. It says
 * what the value must be, and never what it is.
 * @returns words that follow the name of the field, such as `must have at least 1 item`
 * @public
 */
export function faultWords({ keyword, params, propertyName }: ErrorObject): string {
  const words = wordsOf(keyword, params as Readonly<Record<string, unknown>>)
  // The fault is in the name of a member, which its sender made up: it is not repeated.
  return propertyName === undefined ? words : `has a name of a field that ${words}`
}

function wordsOf(keyword: string, params: Readonly<Record<string, unknown>>): string {
  const limit = Number(params.limit)
  switch (keyword) {
    case 'required':
      return 'is required'
    case 'dependencies':
    case 'dependentRequired':
      return `is required where \`${String(params.property)}\` is given`
    case 'unevaluatedProperties':
    case 'additionalProperties':
      return 'is not known here'
    case 'type':
      return `must be ${[params.type].flat().map(typeWords).join(' or ')}`
    case 'enum':
      return mustBeOneOf(params.allowedValues)
    case 'const':
      return mustBeOneOf([params.allowedValue])
    case 'pattern':
      return `must match the pattern ${String(params.pattern).slice(0, 200)}`
    case 'format':
      return `is not a valid ${formats[String(params.format)] ?? String(params.format)}`
    case 'minimum':
      return `must be at least ${limit}`
    case 'maximum':
      return `must be at most ${limit}`
    case 'exclusiveMinimum':
      return `must be greater than ${limit}`
    case 'exclusiveMaximum':
      return `must be less than ${limit}`
    case 'multipleOf':
      return `must be a multiple of ${String(params.multipleOf)}`
    default:
      return sizeWords(keyword, limit) ?? formWords(keyword, params)
  }
}

/** Texts, lists and objects that are too small or too large. */
function sizeWords(keyword: string, limit: number): string | undefined {
  switch (keyword) {
    case 'minLength':
      return limit === 1 ? 'must not be empty' : `must have at least ${many(limit, 'character')}`
    case 'maxLength':
      return `must have at most ${many(limit, 'character')}`
    case 'minItems':
      return `must have at least ${many(limit, 'item')}`
    case 'maxItems':
    case 'items':
    case 'additionalItems':
    case 'unevaluatedItems':
      return `must have at most ${many(Number.isNaN(limit) ? 0 : limit, 'item')}`
    case 'minProperties':
      return `must have at least ${many(limit, 'field')}`
    case 'maxProperties':
      return `must have at most ${many(limit, 'field')}`
    default:
      return undefined
  }
}

function formWords(keyword: string, params: Readonly<Record<string, unknown>>): string {
  switch (keyword) {
    case 'uniqueItems':
      return 'must not have the same item twice'
    case 'contains':
      return params.maxContains === undefined
        ? `must have at least ${many(Number(params.minContains ?? 1), 'item')} of the documented kind`
        : `must have ${String(params.minContains)} to ${String(params.maxContains)} items of the documented kind`
    case 'propertyNames':
      return 'has a field whose name is not allowed'
    case 'oneOf':
      // Which forms fit both is the document's matter; the sender can only take one of them.
      return Array.isArray(params.passingSchemas)
        ? 'must match exactly one of the documented forms, and matches several'
        : 'must match one of the documented forms'
    case 'anyOf':
      return 'must match one of the documented forms'
    case 'not':
      return 'has a form that is excluded'
    case 'false schema':
      return 'is not allowed'
    default:
      return 'is not valid'
  }
}

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`

const mustBeOneOf = (values: unknown): string => {
  const list = Array.isArray(values) ? values.map(shown) : []
  return list.length === 1 ? `must be ${list[0]}` : `must be one of ${list.join(', ')}`
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)

const types: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
}
const typeWords = (type: unknown): string => types[String(type)] ?? String(type)

const formats: Readonly<Record<string, string>> = {
  email: 'e-mail address',
  'date-time': 'moment (RFC 3339 with a time zone)',
  date: 'date (YYYY-MM-DD)',
  time: 'time of day (RFC 3339 with a time zone)',
  duration: 'duration (ISO 8601)',
  uri: 'URI',
  'uri-reference': 'reference to a URI',
  uuid: 'UUID',
  hostname: 'host name',
  ipv4: 'IPv4 address',
  ipv6: 'IPv6 address',
}
