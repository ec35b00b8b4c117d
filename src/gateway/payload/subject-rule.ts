import type { SubjectRule } from '#snapshot'
import type { Operation } from '../operation.ts'
import { documentsCode } from './documented-codes.ts'
import { type FieldPath, parseFieldPath } from './field-path.ts'
import { propertyOf } from './schema-properties.ts'

/**
 * How the subscriber of an operation's calls is named; without a path its requests cannot name one.
 * @public
 */
export type CompiledSubject = { kind: SubjectRule['kind'] | 'token'; path: FieldPath | undefined }

const usualFields = [
  'phoneNumber',
  'device',
  'amountTransaction.phoneNumber',
  'config.subscriptionDetail.device',
  'config.subscriptionDetail.phoneNumber',
]

/**
 * What the product says, or what the document does: an optional identifier names the subscriber of a 2-legged token, a
 * required one is there with every token, one beside its own hash or with a documented INVALID_TOKEN_CONTEXT is there to
 * be compared, and an operation without one is about the token's subscriber.
 * @public
 */
export function subjectRuleOf(operation: Operation): CompiledSubject {
  const told = operation.documented.terms?.subject
  if (told?.kind === 'none') return { kind: 'none', path: undefined }
  const found = fieldOf(operation, told?.field)
  if (told !== undefined) return { kind: told.kind, path: found && parseFieldPath(found.field) }
  if (found === undefined) return { kind: 'token', path: undefined }
  const path = parseFieldPath(found.field)
  if (found.required) return { kind: 'always', path }
  return { kind: isCompared(operation, found.field) ? 'compared' : 'identifier', path }
}

const isCompared = (operation: Operation, field: string): boolean =>
  field === 'phoneNumber' &&
  (documentsCode(operation, 403, 'INVALID_TOKEN_CONTEXT') ||
    Object.values(operation.documented.requestBody?.content ?? {}).some(
      (schema) => findField(operation, schema, 'hashedPhoneNumber') !== undefined,
    ))

function fieldOf(
  operation: Operation,
  told: string | undefined,
): { field: string; required: boolean } | undefined {
  if (told !== undefined) return { field: told, required: false }
  const { requestBody } = operation.documented
  for (const [mediaType, schema] of Object.entries(requestBody?.content ?? {})) {
    if (!mediaType.endsWith('json')) continue
    for (const field of usualFields) {
      const found = findField(operation, schema, field)
      if (found !== undefined) return { field, required: found && requestBody?.required === true }
    }
  }
  return undefined
}

/** @returns whether it is required; undefined when there is no such field */
function findField(operation: Operation, schema: unknown, field: string): boolean | undefined {
  let level: unknown = schema
  let required = true
  for (const name of field.split('.')) {
    const found = propertyOf(level, operation.api.schemas, name)
    if (found === undefined) return undefined
    required &&= found.required
    level = found.schemas.length === 1 ? found.schemas[0] : { anyOf: found.schemas }
  }
  return required
}
