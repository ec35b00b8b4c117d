import type { ErrorObject } from 'ajv'
import type { ApiEntry, JsonSchema } from '#snapshot'
import { definitionNameOf } from '#validation'

/**
 * Where a compiled schema is in the published document. Validators work on closed variants of its schemas, under names
 * that exist here only; an owner reads `#/components/schemas/Parcel/properties/weight`, which can be looked up.
 */
export class DocumentPlaces {
  #places = new WeakMap<object, string>()

  /**
   * @param definitions what was compiled, by name
   * @param wrapped schemas that were made around one of the document, and have no place of their own
   */
  constructor(
    api: ApiEntry,
    definitions: Readonly<Record<string, JsonSchema>>,
    wrapped: WeakSet<object>,
  ) {
    const roots = rootsOf(api)
    for (const [name, schema] of Object.entries(definitions)) {
      const component = definitionNameOf(name)
      const root = component === undefined ? roots.get(name) : componentPlace(component)
      if (root !== undefined) this.#note(schema, root, wrapped)
    }
  }

  /** Of the rule that is broken; the schema itself for one that is not in the document. Empty when it is not known. */
  of({ keyword, parentSchema, schemaPath }: ErrorObject): string {
    const place = parentSchema === undefined ? undefined : this.#places.get(parentSchema)
    if (place === undefined) return ''
    // That an object is closed is said around each of them, and seldom by its document.
    if (keyword === 'unevaluatedProperties') return meantBy(parentSchema) ?? place
    const rule = schemaPath.slice(schemaPath.lastIndexOf('/') + 1)
    return `${place}/${rule}`.slice(0, 300)
  }

  #note(schema: unknown, place: string, wrapped: WeakSet<object>): void {
    if (typeof schema !== 'object' || schema === null || this.#places.has(schema)) return
    if (!Array.isArray(schema)) this.#places.set(schema, place)
    const isWrapped = wrapped.has(schema)
    for (const [key, value] of Object.entries(schema)) {
      const below = isWrapped && key === 'allOf' ? place : `${place}/${escaped(key)}`
      if (isWrapped && Array.isArray(value))
        for (const item of value) this.#note(item, below, wrapped)
      else this.#note(value, below, wrapped)
    }
  }
}

/** A reference that was closed means the component that it leads to, which is where a field would be declared. */
function meantBy(schema: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const { $ref, unevaluatedProperties: _, ...beside } = schema ?? {}
  if (typeof $ref !== 'string' || Object.keys(beside).length > 0) return undefined
  const component = definitionNameOf($ref.replace('#/$defs/', ''))
  return component === undefined ? undefined : componentPlace(component)
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1')

/** A component has variants for requests and answers, and one without its alternatives: all are one in the document. */
const componentPlace = (name: string): string =>
  `#/components/schemas/${escaped(name.replace(/(?:\.base)?(?:\.(?:request|response))?$/, ''))}`

/** The bodies and parameters of each operation. */
function rootsOf({ operations }: ApiEntry): Map<string, string> {
  const roots = new Map<string, string>()
  for (const { operationId, path, method, requestBody, responses } of operations) {
    const at = `#/paths/${escaped(path)}/${method.toLowerCase()}`
    for (const type of Object.keys(requestBody?.content ?? {}))
      roots.set(
        `request:${operationId}:${type}`,
        `${at}/requestBody/content/${escaped(type)}/schema`,
      )
    for (const { status, content } of responses)
      for (const type of Object.keys(content))
        roots.set(
          `response:${operationId}:${status}:${type}`,
          `${at}/responses/${status}/content/${escaped(type)}/schema`,
        )
  }
  return roots
}
