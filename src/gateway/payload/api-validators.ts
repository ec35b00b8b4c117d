import type { ErrorObject, ValidateFunction } from 'ajv'
import type { Ajv2020 } from 'ajv/dist/2020.js'
import type { ApiEntry, JsonSchema, SnapshotOperation } from '#snapshot'
import {
  apiDefinitions,
  ClosedSchemas,
  compileDefinition,
  type ParameterPlace,
  schemaEngine,
} from '#validation'
import { DocumentPlaces } from './document-places.ts'

/**
 * @param thorough whether every fault is wanted (the usual), or the first one is enough
 * @returns undefined when the value is valid, or what is wrong with it
 */
export type Validator = (value: unknown, thorough?: boolean) => readonly ErrorObject[] | undefined

/**
 * The validators of one API version. A schema is compiled when it is first needed, or in the background before, so
 * that publishing costs the traffic nothing; the definitions are shared by all operations.
 * @public
 */
export class ApiValidators {
  #api: ApiEntry
  #closed: ClosedSchemas | undefined
  #definitions: Record<string, JsonSchema> | undefined
  /** by whether every fault is found */
  #engines = new Map<boolean, Ajv2020>()
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

  /** All parameters of one place together, each as what its schema asks for. */
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
    let quick: ValidateFunction | undefined
    let full: ValidateFunction | undefined
    return (value, thorough = true) => {
      quick ??= this.#compile(name, false)
      if (quick(value)) return undefined
      const first = quick.errors ?? []
      if (!thorough) return first
      full ??= this.#compile(name, true)
      full(value)
      return full.errors ?? first
    }
  }

  #compile(name: string, allErrors: boolean): ValidateFunction {
    let engine = this.#engines.get(allErrors)
    if (engine === undefined) {
      engine = schemaEngine(this.#allDefinitions(), { allErrors })
      this.#engines.set(allErrors, engine)
    }
    return compileDefinition(engine, name)
  }

  #allDefinitions(): Record<string, JsonSchema> {
    if (this.#definitions !== undefined) return this.#definitions
    this.#closed ??= new ClosedSchemas(this.#api.schemas)
    this.#definitions = apiDefinitions(this.#api, this.#closed)
    return this.#definitions
  }
}

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
