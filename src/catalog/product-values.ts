import { type TSchema, Type } from 'typebox'

/** Unknown keys are faults everywhere in a manifest. */
export const closed = { additionalProperties: false }

/** `must` is what a fault says. */
export const text = (must: string, pattern: string, maxLength = 200) =>
  Type.String({ pattern, minLength: 1, maxLength, must })

export const Line = text(
  'must be text of at most 200 characters on one line',
  '^[^\\r\\n]*\\S[^\\r\\n]*$',
)

export const Url = text(
  'must be an http:// or https:// URL without user, query or fragment',
  '^https?://[^\\s?#@]+$',
  2_000,
)

export const wholeNumber = (minimum: number, maximum: number) =>
  Type.Integer({ minimum, maximum, must: `must be a whole number from ${minimum} to ${maximum}` })

export const percent = (must = 'must be a number from 0 to 100') =>
  Type.Number({ minimum: 0, maximum: 100, must })

export const oneOf = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))))

export const byName = <T extends TSchema>(value: T) => Type.Record(Type.String(), value)

/**
 * Where a field is in a body: `device.phoneNumber`, `items[].owner.name`, `[].id` in a body that is a list, `*` for any
 * member of a map. A backslash takes a dot, a bracket or a star as a part of the name: `a\.b`.
 */
export const fieldPath = {
  must: 'must be a field path such as `device.phoneNumber`, `items[].owner.name` or `attributes.*`',
  pattern:
    '^(?:\\[\\])*(?:(?:\\\\.|[^.\\[\\]\\\\])+(?:\\[\\])*)?(?:\\.(?:\\\\.|[^.\\[\\]\\\\])+(?:\\[\\])*)*$',
}

export const FieldPath = text(fieldPath.must, fieldPath.pattern)
