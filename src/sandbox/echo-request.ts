import type { JsonSchema } from '#snapshot'
import type { Call } from './call.ts'
import type { Answer } from './outcome.ts'
import { asObject, type Fields, fieldOf } from './request-fields.ts'

/**
 * Lets an example answer speak of the request: a field that request and answer share, by name and by schema, takes the
 * value that was sent, as far as the answer stays one that the document allows. A `device` in an answer is never one
 * that the caller did not name.
 */
export function echoRequest(call: Call, example: Answer): Answer {
  const shown = asObject(example.body)
  if (shown === undefined) return example
  const { documented } = call
  const allowed = (body: Fields): boolean => documented.allows(example.status, body)
  const responseSchemas = propertySchemas(documented.schemaOf(example.status), documented.schemas)
  let body: Fields = shown
  for (const [name, value, schema] of sentFields(call)) {
    if (!Object.hasOwn(body, name) || responseSchemas.get(name) !== schema) continue
    const echoed = { ...body, [name]: value }
    if (allowed(echoed)) body = echoed
  }
  return { ...example, body: withOwnDevice(call, body, allowed) }
}

/** The top-level fields that were sent, each with the schema that the document gives it, as text. */
function sentFields(call: Call): [name: string, value: unknown, schema: string | undefined][] {
  const { operation, schemas } = call.documented
  const content = operation.requestBody?.content ?? {}
  const bodySchemas = propertySchemas(
    content['application/json'] ?? Object.values(content)[0],
    schemas,
  )
  const parameters = new Map(
    operation.parameters
      .filter((p) => p.in === 'path')
      .map((p) => [p.name, JSON.stringify(p.schema)] as const),
  )
  return [
    ...Object.entries(call.pathParameters).map(
      ([name, value]) => [name, value, parameters.get(name)] satisfies [string, unknown, unknown],
    ),
    ...Object.entries(asObject(call.body) ?? {}).map(
      ([name, value]) => [name, value, bodySchemas.get(name)] satisfies [string, unknown, unknown],
    ),
  ].filter(([, , schema]) => schema !== undefined)
}

/** The properties of an object schema, through references and `allOf`, each as text to compare. */
function propertySchemas(
  schema: JsonSchema | undefined,
  schemas: Readonly<Record<string, JsonSchema>>,
  depth = 0,
): Map<string, string> {
  const found = new Map<string, string>()
  if (typeof schema !== 'object' || depth > 8) return found
  const add = (more: Map<string, string>): void => {
    for (const [name, text] of more) found.set(name, text)
  }
  const reference = schema.$ref
  if (typeof reference === 'string' && reference.startsWith('#/$defs/')) {
    add(propertySchemas(schemas[reference.slice('#/$defs/'.length)], schemas, depth + 1))
  }
  const parts = schema.allOf
  if (Array.isArray(parts)) {
    for (const part of parts) add(propertySchemas(part as JsonSchema, schemas, depth + 1))
  }
  for (const [name, property] of Object.entries(asObject(schema.properties) ?? {})) {
    found.set(name, JSON.stringify(property))
  }
  return found
}

const identifiers = ['phoneNumber', 'ipv4Address', 'ipv6Address']

/** CAMARA Commonalities: one of the identifiers that were sent, or none. */
function withOwnDevice(call: Call, body: Fields, allowed: (body: Fields) => boolean): Fields {
  if (!Object.hasOwn(body, 'device')) return body
  const sent = asObject(fieldOf(asObject(call.body) ?? {}, 'device')) ?? {}
  const used = identifiers.find((name) => fieldOf(sent, name) !== undefined)
  if (used !== undefined) {
    const own = { ...body, device: { [used]: sent[used] } }
    return allowed(own) ? own : body
  }
  const { device: _device, ...rest } = body
  return allowed(rest) ? rest : body
}
