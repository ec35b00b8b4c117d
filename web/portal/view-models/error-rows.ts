import type { OperationPage } from '#portal/schema'

export type ErrorTableRow = { status: string; code: string; when: string }

type Schema = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * The error codes that an operation documents: from the examples, which also say when, and from the values that the
 * schema allows for `code`, for those that have no example.
 */
export function errorRows(
  operation: OperationPage,
  schemas: Readonly<Record<string, unknown>>,
): ErrorTableRow[] {
  const rows = new Map<string, ErrorTableRow>()
  for (const response of operation.responses) {
    if (!/^([45]|default)/.test(response.status)) continue
    for (const { value } of response.examples) {
      if (!isRecord(value) || typeof value.code !== 'string') continue
      const status = typeof value.status === 'number' ? String(value.status) : response.status
      const when = typeof value.message === 'string' ? value.message : response.description
      const key = `${status} ${value.code}`
      if (!rows.has(key)) rows.set(key, { status, code: value.code, when })
    }
    for (const code of codesOf(response.schema, schemas)) {
      const key = `${response.status} ${code}`
      if (!rows.has(key))
        rows.set(key, { status: response.status, code, when: response.description })
    }
  }
  return [...rows.values()].toSorted((a, b) => a.status.localeCompare(b.status))
}

function codesOf(
  schema: unknown,
  schemas: Readonly<Record<string, unknown>>,
  depth = 0,
): readonly string[] {
  if (!isRecord(schema) || depth > 6) return []
  const reference = schema.$ref
  if (typeof reference === 'string')
    return codesOf(schemas[reference.split('/').at(-1) ?? ''], schemas, depth + 1)
  const parts = ['allOf', 'oneOf', 'anyOf'].flatMap((k) => {
    const list = schema[k]
    return Array.isArray(list) ? list : []
  })
  const properties = schema.properties
  const code = isRecord(properties) ? properties.code : undefined
  const own = isRecord(code) && Array.isArray(code.enum) ? code.enum : []
  return [
    ...own.filter((v): v is string => typeof v === 'string'),
    ...parts.flatMap((part) => codesOf(part, schemas, depth + 1)),
  ]
}
