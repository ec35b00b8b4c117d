import { requiredScopes } from './check-security.ts'
import type { OpenApiVersion } from './check-structure.ts'
import { type ConvertedSchemas, convertSchemas } from './convert-schemas.ts'
import type { JsonSchema, SnapshotParameter } from './entry.ts'
import type { CheckedFile, Path } from './faults.ts'
import { isRecord, type JsonRecord, recordOf, textOf } from './json.ts'
import type { Direction } from './one-way.ts'
import type { OperationAt, ParameterAt } from './operations.ts'
import { dereference } from './references.ts'
import type { SchemaUse } from './schema-validators.ts'

/** One media type of a body: its schema, and where it stands for its examples. */
export type BodyContent = { mediaType: string; schema: JsonSchema; source: JsonRecord; path: Path }

export type ResponseParts = {
  status: string
  description: string
  content: BodyContent[]
  headers: { name: string; required: boolean; schema: JsonSchema; source: JsonRecord }[]
}

/** An operation with its references followed and its schemas converted. */
export type OperationParts = {
  at: OperationAt
  operationId: string
  scopes: string[][]
  parameters: (SnapshotParameter & { description: string })[]
  requestBody: { required: boolean; description: string; content: BodyContent[] } | undefined
  responses: ResponseParts[]
}

/** Follows and converts everything that operations use. The document must have been checked. */
export function compileOperations(
  file: CheckedFile,
  version: OpenApiVersion,
  operations: readonly OperationAt[],
): { parts: OperationParts[]; converted: ConvertedSchemas; uses: SchemaUse[] } {
  const document = file.value
  const converted = convertSchemas(document, version)
  const uses: SchemaUse[] = []
  const use = (path: Path, schema: JsonSchema): JsonSchema => {
    uses.push({ schema, path })
    return schema
  }

  function contentOf(
    owner: unknown,
    path: Path,
    direction: Direction,
    name: string,
  ): BodyContent[] {
    const content = recordOf(recordOf(owner).content)
    const found = new Map<string, BodyContent>()
    for (const [mediaType, value] of Object.entries(content)) {
      const at = [...path, 'content', mediaType]
      const essence = essenceOf(mediaType)
      if (found.has(essence)) continue
      const source = recordOf(value)
      const schemaPath = [...at, 'schema']
      const schema =
        source.schema === undefined ? {} : bodySchema(source.schema, schemaPath, direction, name)
      found.set(essence, { mediaType: essence, schema: use(schemaPath, schema), source, path: at })
    }
    return [...found.values()]
  }

  /** The body of a shared answer is one definition, however many operations give it. */
  function bodySchema(source: unknown, path: Path, direction: Direction, name: string): JsonSchema {
    const isShared = path[0] === 'components'
    const isReference = isRecord(source) && '$ref' in source
    return isShared && !isReference
      ? converted.definitionAt(path, direction, name)
      : converted.schemaAt(path, direction)
  }

  function responsesOf({ operation, at }: OperationAt): ResponseParts[] {
    const responses = Object.entries(recordOf(operation.responses))
    return responses.flatMap(([status, value]) => {
      if (status.startsWith('x-')) return []
      const path = [...at, 'responses', status]
      const located = dereference(document, { value, path })
      const response = recordOf(located.value)
      const name = String(located.path.at(-1))
      return {
        status: status.toUpperCase() === 'DEFAULT' ? 'default' : status.toUpperCase(),
        description: textOf(response.description),
        content: contentOf(response, located.path, 'response', name),
        headers: headersOf(response, located.path),
      }
    })
  }

  function headersOf(response: JsonRecord, path: Path): ResponseParts['headers'] {
    return Object.entries(recordOf(response.headers)).flatMap(([name, value]) => {
      const located = dereference(document, { value, path: [...path, 'headers', name] })
      const source = recordOf(located.value)
      const schemaPath = [...located.path, 'schema']
      const schema = 'schema' in source ? converted.schemaAt(schemaPath, 'response') : {}
      const header = { name: name.toLowerCase(), required: source.required === true, source }
      return name.toLowerCase() === 'content-type'
        ? []
        : [{ ...header, schema: use(schemaPath, schema) }]
    })
  }

  function parameterOf(parameter: ParameterAt): OperationParts['parameters'] {
    const source = recordOf(parameter.value)
    const place = parameter.in
    // Those three are described elsewhere in a document (OpenAPI 3, Parameter Object).
    const ignored = /^(accept|authorization|content-type)$/i.test(parameter.name)
    if (place !== 'path' && place !== 'query' && place !== 'header') return []
    if (place === 'header' && ignored) return []
    const schemaPath = [...parameter.path, 'schema']
    if (!('schema' in source)) {
      file.warn(parameter.listedAt, 'has `content`: its value is passed on without a check')
    }
    const schema = 'schema' in source ? converted.schemaAt(schemaPath, 'request') : {}
    const style = textOf(source.style)
    const isForm = place === 'query' && (style === '' || style === 'form')
    const explode = source.explode ?? isForm
    return [
      {
        name: parameter.name,
        in: place,
        required: source.required === true,
        schema: use(schemaPath, schema),
        description: textOf(source.description),
        ...(style !== '' && style !== (place === 'query' ? 'form' : 'simple') && { style }),
        ...(explode !== isForm && { explode: explode === true }),
      },
    ]
  }

  function requestBodyOf(one: OperationAt): OperationParts['requestBody'] {
    const source = one.operation.requestBody
    if (source === undefined) return undefined
    const path = [...one.at, 'requestBody']
    if (one.method === 'get') {
      file.warn(path, 'a GET has no body: it is not read')
      return undefined
    }
    const located = dereference(document, { value: source, path })
    const body = recordOf(located.value)
    return {
      required: body.required === true,
      description: textOf(body.description),
      content: contentOf(body, located.path, 'request', String(located.path.at(-1))),
    }
  }

  const parts = operations.map((at) => ({
    at,
    operationId: textOf(at.operation.operationId),
    scopes: requiredScopes(document, at.operation),
    parameters: at.parameters.flatMap(parameterOf),
    requestBody: requestBodyOf(at),
    responses: responsesOf(at),
  }))
  return { parts, converted, uses }
}

/** `application/json` of `Application/JSON; charset=utf-8`. */
const essenceOf = (mediaType: string): string =>
  (mediaType.split(';', 1)[0] ?? '').trim().toLowerCase()
