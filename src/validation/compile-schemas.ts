import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { asPublished, ClosedSchemas } from './closed-schemas.ts'
import type { JsonSchema } from './json-schema.ts'
import { linearPattern } from './linear-pattern.ts'

type Content = Readonly<Record<string, JsonSchema>>

/**
 * What of an API version is compiled.
 * @public
 */
export type DescribedApi = {
  readonly profile: '0.6' | '0.8'
  readonly schemas: Content
  readonly operations: readonly {
    readonly operationId: string
    readonly parameters: readonly {
      readonly name: string
      readonly in: ParameterPlace
      readonly required: boolean
      readonly schema: JsonSchema
    }[]
    readonly requestBody: { readonly content: Content } | undefined
    readonly responses: readonly { readonly status: string; readonly content: Content }[]
  }[]
}

const root = 'wayleave:api'
const parameterPlaces = ['path', 'query', 'header'] as const
/** @public */
export type ParameterPlace = (typeof parameterPlaces)[number]

/**
 * Everything that is compiled of an API version, by name: `request:<operationId>:<media type>`,
 * `response:<operationId>:<status>:<media type>`, `path:<operationId>` and so on, and the definitions that they share.
 * @public
 */
export function apiDefinitions(
  api: DescribedApi,
  closed: ClosedSchemas = new ClosedSchemas(api.schemas),
): Record<string, JsonSchema> {
  const definitions: Record<string, JsonSchema> = { ...closed.definitions }
  for (const { operationId, requestBody, responses, parameters } of api.operations) {
    for (const [type, schema] of Object.entries(requestBody?.content ?? {}))
      definitions[`request:${operationId}:${type}`] =
        api.profile === '0.8' ? closed.close(schema) : asPublished(schema)
    for (const { status, content } of responses)
      for (const [type, schema] of Object.entries(content))
        definitions[`response:${operationId}:${status}:${type}`] = closed.close(schema)
    for (const place of parameterPlaces) {
      const here = parameters.filter((p) => p.in === place)
      if (here.length === 0) continue
      const nameOf = (name: string): string => (place === 'header' ? name.toLowerCase() : name)
      definitions[`${place}:${operationId}`] = {
        type: 'object',
        properties: Object.fromEntries(here.map((p) => [nameOf(p.name), asPublished(p.schema)])),
        required: here.filter((p) => p.required).map((p) => nameOf(p.name)),
      }
    }
  }
  return definitions
}

/**
 * An engine that knows these definitions and has compiled none of them.
 * @public
 */
export function schemaEngine(
  definitions: Readonly<Record<string, JsonSchema>>,
  { allErrors }: { allErrors: boolean },
): Ajv2020 {
  const engine = addFormats.default(
    new Ajv2020({
      strict: false,
      logger: false,
      validateSchema: false,
      allErrors,
      // Of a fault it is told where its schema is in the document; what is found besides is never shown.
      verbose: allErrors,
      // `constructor` and its like are members only when the value itself has them.
      ownProperties: true,
      // 1e400 is read as infinity, which is no number of JSON.
      strictNumbers: true,
      // 19.99 is a multiple of 0.01, although its quotient is not whole in binary.
      multipleOfPrecision: 9,
      code: { regExp: Object.assign(linearPattern, { code: 'linearPattern' }) },
    }),
  )
  engine.addSchema({ $id: root, $defs: definitions })
  return engine
}

/**
 * @throws when there is none of this name, or it cannot be compiled
 * @public
 */
export function compileDefinition(engine: Ajv2020, name: string): ValidateFunction {
  const escaped = name.replaceAll('~', '~0').replaceAll('/', '~1')
  const compiled = engine.getSchema(`${root}#/$defs/${encodeURIComponent(escaped)}`)
  if (compiled === undefined) throw new Error(`there is no schema ${name}`)
  return compiled as ValidateFunction
}
