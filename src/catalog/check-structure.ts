import { Validator } from '@seriousme/openapi-schema-validator'
import type { ErrorObject } from 'ajv'
import { faultWords } from '#platform/fault-words'
import { type CheckedFile, type Path, pathOf } from './faults.ts'
import { isRecord, recordOf, valueAt } from './json.ts'
import { hint } from './nearest-name.ts'

/** The OpenAPI version of a document, as far as the rules differ. */
export type OpenApiVersion = '3.0' | '3.1'

const validator = new Validator({ allErrors: true, verbose: true, logger: false })

/**
 * Holds a document against the schema that the OpenAPI Initiative publishes for its version, and says each thing once:
 * that schema offers alternatives everywhere (a thing or a reference to one) and reports every one that was not taken.
 * @returns undefined when nothing more can be checked
 */
export async function checkStructure(file: CheckedFile): Promise<OpenApiVersion | undefined> {
  const document = file.value
  if (!isRecord(document)) {
    file.fault([], 'must be an OpenAPI document: a mapping with `openapi`, `info` and `paths`')
    return undefined
  }
  const version = /^3\.([01])\.\d+(-.+)?$/.exec(String(document.openapi))
  if (version === null || typeof document.openapi !== 'string') {
    const message =
      'swagger' in document
        ? 'is Swagger 2: convert it to OpenAPI 3.0 or 3.1'
        : 'must be the text of a version that is supported: "3.0.x" or "3.1.x"'
    file.fault(['openapi'], message, { needsWholeFile: !('openapi' in document) })
    return undefined
  }
  const { errors } = await validator.validate(document)
  // A text instead of a list is about references, which are checked one by one elsewhere.
  if (Array.isArray(errors))
    for (const error of prune(errors.slice(0, mostErrors), document)) report(file, error)
  return version[1] === '0' ? '3.0' : '3.1'
}

/** Nobody reads more, and they are compared with each other. */
const mostErrors = 2_000

const pathTo = (error: ErrorObject): string[] => pathOf(`#${error.instancePath}`) ?? []

const wrappers = new Set(['oneOf', 'anyOf', 'if'])

function prune(errors: readonly ErrorObject[], document: unknown): ErrorObject[] {
  const meant = errors.filter((error) => isMeant(error, errors, document))
  const exact = meant.filter((error) => !wrappers.has(error.keyword))
  // "must match one of" is noise as long as something exact is said about the same place or below it.
  const rest = meant.filter((error) => wrappers.has(error.keyword))
  const said = [...exact, ...errors.filter(isCheckedElsewhere)]
  const unsaid = rest.filter((error) => !said.some((other) => isWithin(other, error)))
  const lowest = unsaid.filter(
    (error) => !unsaid.some((o) => o.instancePath !== error.instancePath && isWithin(o, error)),
  )
  return [...exact, ...lowest]
}

const isWithin = (inner: ErrorObject, outer: ErrorObject): boolean =>
  inner.instancePath === outer.instancePath ||
  inner.instancePath.startsWith(`${outer.instancePath}/`)

/** Whether an error belongs to the alternative that the author took. */
function isMeant(error: ErrorObject, all: readonly ErrorObject[], document: unknown): boolean {
  const { schemaPath, instancePath, keyword } = error
  if (isCheckedElsewhere(error)) return false
  // `not` with alternatives of keys says nothing about a value that has no keys.
  if (keyword === 'not' && !isRecord(error.data)) return false
  if (wrappers.has(keyword)) return true
  const path = pathTo(error)
  const at = isRecord(error.data) && path.at(-1) !== '$ref' ? path : path.slice(0, -1)
  const isReference = '$ref' in recordOf(valueAt(document, at))
  if (schemaPath.includes('/Reference/')) return isReference
  if (!isReference) return true
  const pointer = instancePath.replace(/\/\$ref$/, '')
  return !all.some(
    (o) => o.schemaPath.includes('/Reference/') && o.instancePath.startsWith(pointer),
  )
}

/** Parameters and headers, kinds of security schemes and patterns are checked by name. */
const isCheckedElsewhere = ({ schemaPath, instancePath, keyword, data }: ErrorObject): boolean =>
  (keyword === 'format' && instancePath.endsWith('/pattern')) ||
  schemaPath.includes('/ParameterLocation/') ||
  (/\/SchemaXORContent\/oneOf|^#\/oneOf/.test(schemaPath) && !hasSchema(data)) ||
  /^\/components\/securitySchemes\/[^/]+(\/|$)/.test(instancePath)

const hasSchema = (data: unknown): boolean =>
  isRecord(data) && ('schema' in data || 'content' in data)

function report(file: CheckedFile, error: ErrorObject): void {
  const path = pathTo(error)
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'required':
      file.fault(path, `needs \`${String(params.missingProperty)}\``)
      return
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const name = String(params.additionalProperty ?? params.unevaluatedProperty)
      const known = Object.keys(recordOf(recordOf(error.parentSchema).properties))
      file.fault([...path, name], unknownKey(path, name, known), { at: 'key' })
      return
    }
    case 'enum':
      file.fault(path, `must be one of ${(params.allowedValues as unknown[]).join(', ')}`)
      return
    case 'type':
      file.fault(path, `must be ${[params.type].flat().join(' or ')}, and is ${nameOf(error.data)}`)
      return
    case 'oneOf':
    case 'not':
      file.fault(path, alternativesMessage(error.data))
      return
    default:
      file.fault(path, faultWords(error))
  }
}

function unknownKey(path: Path, name: string, known: readonly string[]): string {
  if (path.at(-1) === 'paths') return 'a path must begin with `/`'
  if (path.at(-1) === 'responses')
    return `\`${name}\` must be a status such as "200" or "4XX", or "default"`
  return `\`${name}\` is not known here${hint(name, known)}`
}

const nameOf = (value: unknown): string => {
  if (value === null) return 'empty'
  return Array.isArray(value) ? 'an array' : typeof value
}

/** The alternatives of OpenAPI that exclude each other. */
function alternativesMessage(value: unknown): string {
  const has = (name: string): boolean => isRecord(value) && name in value
  if (has('example') && has('examples')) return 'has both `example` and `examples`: keep one'
  if (has('schema') && has('content')) return 'has both `schema` and `content`: keep one'
  return 'is not valid here'
}

const requiredOfScheme: Record<string, readonly string[]> = {
  apiKey: ['name', 'in'],
  http: ['scheme'],
  oauth2: ['flows'],
  openIdConnect: ['openIdConnectUrl'],
  mutualTLS: [],
}

/** A security scheme by its type. */
export function checkSecurityScheme(file: CheckedFile, scheme: unknown, path: Path): void {
  if (!isRecord(scheme) || '$ref' in scheme) return
  const { type } = scheme
  const required = typeof type === 'string' ? requiredOfScheme[type] : undefined
  if (required === undefined) {
    const types = Object.keys(requiredOfScheme).join(', ')
    file.fault(
      [...path, 'type'],
      `must be one of ${types}${hint(String(type), Object.keys(requiredOfScheme))}`,
    )
    return
  }
  for (const name of required) {
    if (!(name in scheme)) file.fault(path, `a scheme of type ${String(type)} needs \`${name}\``)
  }
}
