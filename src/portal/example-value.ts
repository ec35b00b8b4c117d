/**
 * A value for a parameter or a request that the document gives none for. It is a start for a person to change, so it
 * need not be clever; bodies come from the catalog, which checks its examples.
 */
export function exampleValue(
  schema: unknown,
  schemas: Readonly<Record<string, unknown>>,
  depth = 0,
): unknown {
  if (typeof schema !== 'object' || schema === null || depth > 6) return undefined
  const known = schema as Readonly<Record<string, unknown>>
  const reference = known.$ref
  if (typeof reference === 'string')
    return exampleValue(schemas[reference.split('/').at(-1) ?? ''], schemas, depth + 1)
  const first = (value: unknown): unknown => (Array.isArray(value) ? value[0] : undefined)
  const given =
    known.example ?? first(known.examples) ?? known.default ?? known.const ?? first(known.enum)
  if (given !== undefined) return given
  for (const keyword of ['allOf', 'oneOf', 'anyOf']) {
    const part = first(known[keyword])
    const value = exampleValue(part, schemas, depth + 1)
    if (value !== undefined) return value
  }
  return byType(known)
}

function byType(schema: Readonly<Record<string, unknown>>): unknown {
  switch (schema.type) {
    case 'integer':
    case 'number':
      return typeof schema.minimum === 'number' ? schema.minimum : 1
    case 'boolean':
      return true
    case 'string':
      return byFormat(schema.format)
    default:
      return undefined
  }
}

function byFormat(format: unknown): string | undefined {
  switch (format) {
    case 'uuid':
      return '3fa85f64-5717-4562-b3fc-2c963f66afa6'
    case 'date':
      return '2026-01-31'
    case 'date-time':
      return '2026-01-31T12:00:00Z'
    default:
      return undefined
  }
}

/** Puts a number of the sandbox where the example of the document has a real-looking one. */
export function withSandboxNumber(value: unknown, phoneNumber: string): unknown {
  if (Array.isArray(value)) return value.map((item) => withSandboxNumber(item, phoneNumber))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === 'phoneNumber' && typeof inner === 'string'
        ? phoneNumber
        : withSandboxNumber(inner, phoneNumber),
    ]),
  )
}

/** What the examples of an API call by this name: the id of the thing that another operation made. */
export function namedValue(
  name: string,
  api: {
    operations: readonly { responses: readonly { examples: readonly { value: unknown }[] }[] }[]
  },
): unknown {
  for (const operation of api.operations) {
    for (const response of operation.responses) {
      for (const example of response.examples) {
        const value = findNamed(name, example.value)
        if (value !== undefined) return value
      }
    }
  }
  return undefined
}

function findNamed(name: string, value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null || depth > 6) return undefined
  for (const [key, inner] of Object.entries(value)) {
    if (key === name && (typeof inner === 'string' || typeof inner === 'number')) return inner
    const found = findNamed(name, inner, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}
