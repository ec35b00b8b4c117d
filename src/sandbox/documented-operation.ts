import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { type ErrorCode, errorCodes } from '#platform/error-codes'
import type { ApiEntry, JsonSchema, SnapshotExample, SnapshotOperation } from '#snapshot'
import { type Answer, answer, refusal } from './outcome.ts'

/** What an operation's document allows it to answer. */
export interface DocumentedOperation {
  readonly operation: SnapshotOperation
  /** The best documented answer of this status. */
  example(status: number): Answer | undefined
  /** The usual documented success, if there is one. */
  success(): Answer | undefined
  /** Whether this body may be answered with this status. */
  allows(status: number, body: unknown): boolean
  /**
   * The refusal with the first of these codes that is documented for the status, else any documented one; a 429 or
   * 5xx needs no documentation (CAMARA Commonalities: common codes may come from every API).
   * @returns undefined when the document knows no such refusal
   */
  refuse(status: number, codes: readonly string[], message: string): Answer | undefined
  /** The schema of the usual success, for what has to fit into it. */
  schemaOf(status: number): JsonSchema | undefined
  readonly schemas: ApiEntry['schemas']
}

const ajv = addFormats.default(new Ajv2020({ strict: false, validateFormats: true, logger: false }))

export function documentedOperation(
  api: ApiEntry,
  operation: SnapshotOperation,
): DocumentedOperation {
  const prefix = api.name.toUpperCase().replaceAll('-', '_')
  const validators = new Map<number, ValidateFunction | undefined>()
  const responseOf = (status: number) =>
    operation.responses.find((r) => r.status === String(status)) ??
    operation.responses.find((r) => r.status === `${String(status).slice(0, 1)}XX`) ??
    operation.responses.find((r) => r.status === 'default')
  const schemaOf = (status: number): JsonSchema | undefined => {
    const content = responseOf(status)?.content ?? {}
    return content['application/json'] ?? Object.values(content)[0]
  }
  const validatorOf = (status: number): ValidateFunction | undefined => {
    if (!validators.has(status)) validators.set(status, compile(schemaOf(status), api))
    return validators.get(status)
  }
  const allows = (status: number, body: unknown): boolean => validatorOf(status)?.(body) === true
  const example = (status: number): Answer | undefined => {
    const found = operation.examples.find((e) => e.status === status)
    return found === undefined ? undefined : exampleAnswer(found)
  }

  const documents = (status: number, code: string): boolean => {
    if (operation.examples.some((e) => e.status === status && codeOf(e.body) === code)) return true
    const body = { status, code, message: 'The message is free.' }
    if (!allows(status, body)) return false
    // A schema that would take any code at all documents none; the common ones need no list.
    const takesAnything = allows(status, { ...body, code: 'WAYLEAVE_DOCUMENTS_NO_SUCH_CODE' })
    return !takesAnything || isCommon(status, code)
  }

  return {
    operation,
    schemas: api.schemas,
    example,
    allows,
    schemaOf,
    success() {
      const usual = operation.examples.find((e) => e.status >= 200 && e.status < 300)
      if (usual !== undefined) return exampleAnswer(usual)
      const empty = operation.responses.find(
        (r) => r.status.startsWith('2') && Object.keys(r.content).length === 0,
      )
      if (empty === undefined) return undefined
      const status = Number(empty.status)
      return answer(Number.isInteger(status) ? status : 204)
    },
    refuse(status, codes, message) {
      const spelled = codes.map((code) => (code.startsWith('.') ? prefix + code : code))
      const code = spelled.find((candidate) => documents(status, candidate))
      if (code !== undefined) return refusal(status, code, message)
      const shown = example(status)
      const shownCode = codeOf(shown?.body)
      // Before the standard's error model there were others; ours is answered whatever the document shows.
      if (typeof shownCode === 'string') return refusal(status, shownCode, message)
      const common = spelled.find((candidate) => isCommon(status, candidate))
      const needsNoDocument = status === 429 || status >= 500
      return needsNoDocument && common !== undefined ? refusal(status, common, message) : undefined
    },
  }
}

const isCommon = (status: number, code: string): boolean =>
  Object.hasOwn(errorCodes, code) && errorCodes[code as ErrorCode].status === status

const codeOf = (body: unknown): unknown =>
  typeof body === 'object' && body !== null && 'code' in body ? body.code : undefined

function compile(schema: JsonSchema | undefined, api: ApiEntry): ValidateFunction | undefined {
  if (schema === undefined) return undefined
  try {
    return ajv.compile(
      typeof schema === 'boolean' ? schema : { ...schema, $defs: { ...api.schemas } },
    )
  } catch {
    // A schema that cannot be compiled allows nothing to be changed: its examples are served as they are.
    return undefined
  }
}

/** What Node writes itself, or what belongs to one exchange. */
const notFromExamples = new Set([
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
  'x-correlator',
])

function exampleAnswer(example: SnapshotExample): Answer {
  const headers = Object.entries(example.headers ?? {}).flatMap(([name, value]) => {
    const lower = name.toLowerCase()
    return notFromExamples.has(lower) ? [] : [[lower, value] as const]
  })
  return {
    status: example.status,
    body: example.body,
    mediaType: example.mediaType || 'application/json',
    headers: Object.fromEntries(headers),
    delayMs: 0,
  }
}
