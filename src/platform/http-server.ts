import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Ajv, type ErrorObject } from 'ajv'
import addFormats from 'ajv-formats'
import Fastify, { type FastifyInstance, type FastifyRequest, type RawServerDefault } from 'fastify'
import { AppError, invalidArgument, type Violation } from './app-error.ts'
import { correlatorOf } from './correlator.ts'
import { type ErrorCode, errorCodes } from './error-codes.ts'
import type { Log } from './log.ts'

/** @public */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  import('fastify').FastifyBaseLogger,
  TypeBoxTypeProvider
>

/**
 * A set of routes that a module offers; the composition mounts it.
 * @public
 */
export type Routes = (server: HttpServer) => void | Promise<void>

const ajvOptions = { allErrors: true, strict: false, removeAdditional: false, useDefaults: true }
// A query or a path is text, so its numbers are coerced; a body says what it means.
const textAjv = addFormats.default(new Ajv({ ...ajvOptions, coerceTypes: 'array' }))
const bodyAjv = addFormats.default(new Ajv(ajvOptions))

/**
 * The HTTP server of the control side: strict schemas, every fault at once, one error model, `x-correlator` on each
 * answer.
 * @public
 */
export function createHttpServer(options: { log: Log; bodyLimit?: number }): HttpServer {
  const { log } = options
  const server = Fastify({
    logger: false,
    bodyLimit: options.bodyLimit ?? 1_048_576,
    genReqId: (raw) => correlatorOf(raw.headers['x-correlator']) ?? correlatorOf(undefined) ?? '',
    requestTimeout: 30_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    ajv: { customOptions: { removeAdditional: false } },
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
  }).withTypeProvider<TypeBoxTypeProvider>()

  server.setValidatorCompiler(({ schema, httpPart }) =>
    (httpPart === 'body' ? bodyAjv : textAjv).compile(schema as object),
  )
  server.setSchemaErrorFormatter((errors, part) =>
    invalidArgument(violationsOf(errors as ErrorObject[], part)),
  )
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-correlator', request.id)
    if (correlatorOf(request.headers['x-correlator']) === undefined) {
      throw invalidArgument([
        {
          path: 'x-correlator',
          message: 'has a character that is not allowed, or is longer than 256',
        },
      ])
    }
  })
  server.setNotFoundHandler((request, reply) => {
    const error = new AppError(
      'NOT_FOUND',
      `There is nothing at ${request.method} ${pathOf(request)}.`,
    )
    return reply.code(error.status).send(error.toBody())
  })
  server.setErrorHandler((thrown, request, reply) => {
    const error = toAppError(thrown)
    if (error.status >= 500) {
      log.error(
        {
          correlator: request.id,
          method: request.method,
          route: request.routeOptions.url ?? '',
          ...error.detail,
          err: error.cause ?? error,
        },
        'request failed',
      )
    }
    if (error.headers !== undefined) reply.headers(error.headers)
    return reply.code(error.status).type('application/json').send(error.toBody())
  })
  return server as unknown as HttpServer
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''

/**
 * Maps anything that was thrown to the standard's error model; what is not ours to explain becomes INTERNAL.
 * @public
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  if (isUnstorableText(thrown)) {
    return new AppError(
      'INVALID_ARGUMENT',
      'The request holds a character that no text here may have (U+0000).',
      { cause: thrown },
    )
  }
  const status = statusOf(thrown)
  if (status !== undefined && status >= 400 && status < 500) {
    const message = thrown instanceof Error ? thrown.message : 'The request cannot be read.'
    return new AppError(codeForStatus(status), message, { cause: thrown })
  }
  return new AppError(
    'INTERNAL',
    'Something failed on our side. It has been recorded under this x-correlator.',
    {
      cause: thrown,
    },
  )
}

/** PostgreSQL's codes for text that it cannot hold: the request brought it. */
const isUnstorableText = (thrown: unknown): boolean =>
  thrown instanceof Error &&
  'code' in thrown &&
  (thrown.code === '22021' || thrown.code === '22P05')

function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('statusCode' in thrown)) return undefined
  return typeof thrown.statusCode === 'number' ? thrown.statusCode : undefined
}

const byStatus = new Map<number, ErrorCode>([
  [404, 'NOT_FOUND'],
  [405, 'METHOD_NOT_ALLOWED'],
  [406, 'NOT_ACCEPTABLE'],
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
  [429, 'TOO_MANY_REQUESTS'],
])

const codeForStatus = (status: number): ErrorCode => byStatus.get(status) ?? 'INVALID_ARGUMENT'

/** One fault a place and kind; a text that is too short says so once, not also that it has the wrong form. */
function violationsOf(errors: readonly ErrorObject[], part: string): Violation[] {
  const seen = new Set<string>()
  const short = new Set(errors.filter((e) => e.keyword === 'minLength').map((e) => e.instancePath))
  return errors.flatMap((error) => {
    if (short.has(error.instancePath) && error.keyword !== 'minLength') return []
    const violation = violationOf(error, part)
    const key = `${violation.path} ${violation.message}`
    if (seen.has(key)) return []
    seen.add(key)
    return [violation]
  })
}

function violationOf(error: ErrorObject, part: string): Violation {
  const base = part === 'body' ? error.instancePath : `${part}${error.instancePath}`
  const params: Record<string, unknown> = error.params
  switch (error.keyword) {
    case 'required':
      return { path: `${base}/${String(params.missingProperty)}`, message: 'is required' }
    case 'additionalProperties':
      return { path: `${base}/${String(params.additionalProperty)}`, message: 'is not known here' }
    case 'enum':
      return {
        path: base,
        message: `must be one of ${(params.allowedValues as unknown[]).join(', ')}`,
      }
    case 'minLength':
      return {
        path: base,
        message:
          params.limit === 1
            ? 'must not be empty'
            : `must have at least ${String(params.limit)} characters`,
      }
    case 'maxLength':
      return { path: base, message: `must have at most ${String(params.limit)} characters` }
    case 'format':
      return {
        path: base,
        message: `is not a valid ${formats[String(params.format)] ?? String(params.format)}`,
      }
    case 'pattern':
      return { path: base, message: 'has a form or a character that is not allowed here' }
    default:
      return { path: base, message: error.message ?? 'is not valid' }
  }
}

const formats: Readonly<Record<string, string>> = {
  email: 'e-mail address',
  'date-time': 'moment (RFC 3339 with a time zone)',
  date: 'date (YYYY-MM-DD)',
}

/**
 * Every status that the registry knows, for the generated OpenAPI.
 * @public
 */
export const documentedStatuses = [
  ...new Set(Object.values(errorCodes).map((e) => e.status)),
].sort()
