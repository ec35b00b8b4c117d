import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { faultWords } from '#platform/fault-words'
import type { ConvertedSchemas } from './convert-schemas.ts'
import type { JsonSchema } from './entry.ts'
import { type CheckedFile, type Path, pathOf } from './faults.ts'

/** A schema that something uses in a place of the document. */
export type SchemaUse = { schema: JsonSchema; path: Path }

/** @returns the first thing that is wrong with a value, or undefined */
export type Judge = (value: unknown) => string | undefined

/**
 * Compiles every schema once, in one scope, as a gateway does. One that cannot be compiled is a fault of the document.
 */
export function compileValidators(
  file: CheckedFile,
  converted: ConvertedSchemas,
  uses: readonly SchemaUse[],
): (schema: JsonSchema) => Judge | undefined {
  const ajv = addFormats.default(
    new Ajv2020({ strict: false, logger: false, inlineRefs: false, code: { optimize: false } }),
  )
  const definitions: Record<string, JsonSchema> = {}
  for (const [name, { schema }] of converted.definitions) definitions[name] = schema
  const keys = new Map<JsonSchema, string>()
  for (const { schema } of uses) {
    if (typeof schema === 'object' && !keys.has(schema)) keys.set(schema, `use ${keys.size}`)
  }
  const scope = 'urn:wayleave:api'
  const all = { ...definitions, ...Object.fromEntries([...keys].map(([s, key]) => [key, s])) }
  const places = new Map<string, Path>([
    ...[...converted.definitions].map(([name, { path }]) => [name, path] as const),
    ...uses.flatMap(({ schema, path }) => {
      const key = keys.get(schema)
      return key === undefined ? [] : [[key, path] as const]
    }),
  ])
  let sound = true
  for (const [name, schema] of Object.entries(all)) {
    if (ajv.validateSchema(schema) === true) continue
    sound = false
    const [error] = ajv.errors ?? []
    const inner = pathOf(`#${error?.instancePath ?? ''}`) ?? []
    file.fault(
      [...(places.get(name) ?? []), ...inner],
      `is no valid schema: it ${error === undefined ? 'is not valid' : faultWords(error)}`,
    )
  }
  if (!sound) return () => undefined
  ajv.addSchema({ $id: scope, $defs: all }, undefined, false, false)

  const compiled = new Map<string, ValidateFunction | undefined>()
  for (const name of Object.keys(all)) {
    try {
      compiled.set(name, ajv.getSchema(`${scope}#/$defs/${encodeURIComponent(name)}`))
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      file.fault(places.get(name) ?? [], `cannot be compiled: ${reason}`)
    }
  }
  return (schema) => {
    if (typeof schema === 'boolean') return () => (schema ? undefined : 'nothing is accepted here')
    const validate = compiled.get(keys.get(schema) ?? '')
    return validate === undefined ? undefined : judgeWith(validate)
  }
}

function judgeWith(validate: ValidateFunction): Judge {
  return (value) => {
    if (validate(value) === true) return undefined
    const [error] = validate.errors ?? []
    if (error === undefined) return 'is not valid'
    return `${error.instancePath === '' ? '' : `${error.instancePath} `}${faultWords(error)}`
  }
}
