import type { ErrorObject, ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { ApiEntry, JsonSchema, SnapshotOperation } from '#snapshot'
import { asPublished, ClosedSchemas } from './closed-schemas.ts'
import { DocumentPlaces } from './document-places.ts'
import { linearPattern } from './linear-pattern.ts'

/**
 * @param thorough whether every fault is wanted (the usual), or the first one is enough
 * @returns undefined when the value is valid, or what is wrong with it
 */
export type Validator = (value: unknown, thorough?: boolean) => readonly ErrorObject[] | undefined

const root = 'wayleave:api'
const parameterPlaces = ['path', 'query', 'header'] as const
/** @public */
export type ParameterPlace = (typeof parameterPlaces)[number]

/**
 * The validators of one API version. A schema is compiled when it is first needed, or in the background before, so
 * that publishing costs the traffic nothing; the definitions are shared by all operations.
 * @public
 */
export class ApiValidators {
  #api: ApiEntry
  #closed: ClosedSchemas | undefined
  #definitions: Record<string, JsonSchema> | undefined
  #engines = new Map<string, Ajv2020>()
  #validators = new Map<string, Validator>()
  #declared: Set<string> | undefined
  #places: DocumentPlaces | undefined

  constructor(api: ApiEntry) {
    this.#api = api
  }

  /** The request body; in profile 0.8 a property that the document does not declare is a fault, at any depth. */
  request(operation: SnapshotOperation, mediaType: string): Validator {
    return this.#validator(`request:${operation.operationId}:${mediaType}`)
  }

  /** The response body, which never has a property that the document does not declare. */
  response(operation: SnapshotOperation, status: string, mediaType: string): Validator {
    return this.#validator(`response:${operation.operationId}:${status}:${mediaType}`)
  }

  /** All parameters of one place together; text becomes what the schema asks for. */
  parameters(operation: SnapshotOperation, place: ParameterPlace): Validator {
    return this.#validator(`${place}:${operation.operationId}`)
  }

  /** Whether any schema of this version declares a property of this name; asked of few names only. */
  declares(property: string): boolean {
    this.#declared ??= declaredNames(this.#api)
    return this.#declared.has(property)
  }

  /** Where in the published document the rule is that a thorough validation found broken; empty when it is not known. */
  placeOf(error: ErrorObject): string {
    const definitions = this.#allDefinitions()
    this.#places ??= new DocumentPlaces(
      this.#api,
      definitions,
      this.#closed?.wrapped ?? new WeakSet(),
    )
    return this.#places.of(error)
  }

  /** Compiles what the next request will need, one step at a time. */
  *warmUp(): Generator<void> {
    for (const operation of this.#api.operations) {
      for (const mediaType of Object.keys(operation.requestBody?.content ?? {})) {
        this.request(operation, mediaType)(undefined)
        yield
      }
      for (const { status, content } of operation.responses) {
        if (!status.startsWith('2')) continue
        for (const mediaType of Object.keys(content)) {
          this.response(operation, status, mediaType)(undefined)
          yield
        }
      }
    }
  }

  #validator(name: string): Validator {
    let validator = this.#validators.get(name)
    if (validator === undefined) {
      validator = this.#twoStep(name)
      this.#validators.set(name, validator)
    }
    return validator
  }

  /** Valid values pay for the quick check only; every fault of an invalid one is found by a second, thorough one. */
  #twoStep(name: string): Validator {
    const coerce = /^(path|query|header):/.test(name)
    let quick: ValidateFunction | undefined
    let full: ValidateFunction | undefined
    return (value, thorough = true) => {
      quick ??= this.#compile(name, coerce, false)
      if (quick(value)) return undefined
      const first = quick.errors ?? []
      if (!thorough) return first
      full ??= this.#compile(name, coerce, true)
      full(value)
      return full.errors ?? first
    }
  }

  #compile(name: string, coerce: boolean, allErrors: boolean): ValidateFunction {
    const key = `${coerce} ${allErrors}`
    let engine = this.#engines.get(key)
    if (engine === undefined) {
      engine = addFormats.default(
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
          coerceTypes: coerce ? 'array' : false,
          code: { regExp: Object.assign(linearPattern, { code: 'linearPattern' }) },
        }),
      )
      engine.addSchema({ $id: root, $defs: this.#allDefinitions() })
      this.#engines.set(key, engine)
    }
    const compiled = engine.getSchema(`${root}#/$defs/${encodeURIComponent(escaped(name))}`)
    if (compiled === undefined) throw new Error(`there is no schema ${name}`)
    return compiled as ValidateFunction
  }

  #allDefinitions(): Record<string, JsonSchema> {
    if (this.#definitions !== undefined) return this.#definitions
    this.#closed ??= new ClosedSchemas(this.#api.schemas)
    const closed = this.#closed
    const definitions: Record<string, JsonSchema> = { ...closed.definitions }
    for (const operation of this.#api.operations) {
      const { operationId, requestBody, responses, parameters } = operation
      for (const [type, schema] of Object.entries(requestBody?.content ?? {}))
        definitions[`request:${operationId}:${type}`] =
          this.#api.profile === '0.8' ? closed.close(schema) : asPublished(schema)
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
    this.#definitions = definitions
    return definitions
  }
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

function declaredNames(api: ApiEntry): Set<string> {
  const names = new Set<string>()
  const read = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return
    if (Array.isArray(schema)) {
      for (const item of schema) read(item)
      return
    }
    for (const [keyword, value] of Object.entries(schema)) {
      if (keyword === 'properties' && typeof value === 'object' && value !== null)
        for (const name of Object.keys(value)) names.add(name)
      read(value)
    }
  }
  read(api.schemas)
  for (const { requestBody, responses } of api.operations) {
    read(requestBody?.content)
    for (const { content } of responses) read(content)
  }
  return names
}
