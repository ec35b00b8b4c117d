import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { faultWords } from '#platform/fault-words'
import type { OpenApiVersion } from './check-structure.ts'
import { type CheckedFile, type Path, pathOf, pointerOf } from './faults.ts'
import { isRecord, listOf, recordOf, valueAt } from './json.ts'
import { unicodePattern } from './pattern.ts'
import { walkDocument } from './walk-document.ts'

/** What makes a schema impossible to compile, or endless. References have been checked before. */
export function checkSchemas(file: CheckedFile, version: OpenApiVersion): void {
  const roots: Path[] = []
  walkDocument(file.value, (kind, value, path) => {
    if (kind !== 'schema') return
    if (isRecord(value)) checkPatterns(file, value, path)
    // The meta-schema allows what no validator compiles.
    if (
      version === '3.1' &&
      isRecord(value) &&
      Array.isArray(value.enum) &&
      value.enum.length === 0
    )
      file.fault([...path, 'enum'], 'needs at least one value')
    if (isRootSchema(path)) roots.push(path)
  })
  if (version === '3.1') for (const path of roots) checkKeywords(file, path)
  checkCycles(file)
}

/** A schema that is not part of another one: a component, or the `schema` of a body, a parameter or a header. */
const isRootSchema = (path: Path): boolean =>
  path.at(-1) === 'schema'
    ? path.at(-2) !== 'properties' && path.at(-2) !== '$defs'
    : path.length === 3 && path[1] === 'schemas'

function checkPatterns(file: CheckedFile, schema: Record<string, unknown>, path: Path): void {
  const { pattern } = schema
  if (typeof pattern === 'string' && unicodePattern(pattern) === undefined)
    file.fault([...path, 'pattern'], `\`${pattern}\` is no valid regular expression`)
  for (const key of Object.keys(recordOf(schema.patternProperties))) {
    if (unicodePattern(key) === undefined)
      file.fault([...path, 'patternProperties', key], 'is no valid regular expression', {
        at: 'key',
      })
  }
}

let metaSchema: ValidateFunction | undefined

/** OpenAPI 3.1 schemas are JSON Schema 2020-12; the schema of OpenAPI 3.1 leaves checking them to others. */
function checkKeywords(file: CheckedFile, path: Path): void {
  metaSchema ??= new Ajv2020({ strict: false, allErrors: true, logger: false }).getSchema(
    'https://json-schema.org/draft/2020-12/schema',
  )
  const schema = valueAt(file.value, path)
  // That a schema is an object or a boolean has been said already.
  if (!isRecord(schema) || metaSchema === undefined || metaSchema(schema)) return
  const said = new Set<string>()
  for (const error of metaSchema.errors ?? []) {
    // The meta-schema offers alternatives too: one fault for each place is enough.
    if (said.has(error.instancePath) || error.keyword === 'anyOf') continue
    said.add(error.instancePath)
    const at = [...path, ...(pathOf(`#${error.instancePath}`) ?? [])]
    file.fault(at, faultWords(error))
  }
}

/**
 * A schema may contain itself one level deeper (a tree), not in the same place: `allOf` itself has no end.
 */
function checkCycles(file: CheckedFile): void {
  const state = new Map<string, 'open' | 'done'>()
  const visit = (path: Path): void => {
    const pointer = pointerOf(path)
    if (state.get(pointer) === 'done') return
    state.set(pointer, 'open')
    for (const { target, at } of inPlaceReferences(valueAt(file.value, path), path)) {
      if (state.get(pointerOf(target)) === 'open')
        file.fault(at, 'comes back to this schema without going a level deeper: it has no end')
      else visit(target)
    }
    state.set(pointer, 'done')
  }
  walkDocument(file.value, (kind, value, path) => {
    if (kind === 'schema' && isRecord(value)) visit(path)
  })
}

function inPlaceReferences(schema: unknown, path: Path): { target: string[]; at: Path }[] {
  if (!isRecord(schema)) return []
  const { $ref } = schema
  const target = typeof $ref === 'string' ? pathOf($ref) : undefined
  const own = target === undefined ? [] : [{ target, at: [...path, '$ref'] }]
  const lists = ['allOf', 'anyOf', 'oneOf'].flatMap((keyword) =>
    listOf(schema[keyword]).flatMap((item, index) =>
      inPlaceReferences(item, [...path, keyword, index]),
    ),
  )
  const single = ['not', 'if', 'then', 'else'].flatMap((keyword) =>
    inPlaceReferences(schema[keyword], [...path, keyword]),
  )
  return [...own, ...lists, ...single]
}
