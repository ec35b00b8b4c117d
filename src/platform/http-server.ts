import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { Ajv, type ErrorObject } from 'ajv'
import addFormats from 'ajv-formats'
import Fastify, { type FastifyInstance, type FastifyRequest, type RawServerDefault } from 'fastify'
import { createAllowedMethods } from './allowed-methods.ts'
import { AppError, invalidArgument } from './app-error.ts'
import { ajvOptions, compileBody } from './body-validator.ts'
import { correlatorOf } from './correlator.ts'
import { type ErrorCode, errorCodes } from './error-codes.ts'
import { limitBodies } from './limit-bodies.ts'
import type { Log } from './log.ts'
import { answerUnreadable, answerUnroutable } from './unreadable-requests.ts'
import { violationsOf } from './violations.ts'

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

// A query or a path is text, so its numbers are coerced; a body says what it means.
const textAjv = addFormats.default(new Ajv({ ...ajvOptions, coerceTypes: 'array' }))

/**
 * The HTTP server of the control side: strict schemas, every fault at once, one error model, `x-correlator` on each
 * answer.
 * @public
 */
export function createHttpServer(options: {
  log: Log
  bodyLimit?: number
  /** how much may be on its way to all routes together */
  mostBodyBytes?: number
  /** how long a connection may pass nothing in either direction, such as one whose client reads no answer */
  mostIdleMs?: number
  /** networks whose X-Forwarded-For is believed, so that limits and sessions see clients and not a proxy */
  trustedProxies?: readonly string[]
}): HttpServer {
  const { log, trustedProxies = [] } = options
  const server = Fastify({
    logger: false,
    bodyLimit: options.bodyLimit ?? 1_048_576,
    genReqId: (raw) => correlatorOf(raw.headers['x-correlator']) ?? correlatorOf(undefined) ?? '',
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    requestTimeout: 30_000,
    // Longer than a connection is kept for its next request; live streams have a heartbeat.
    connectionTimeout: options.mostIdleMs ?? 75_000,
    keepAliveTimeout: 65_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 256 },
    ajv: { customOptions: { removeAdditional: false } },
    frameworkErrors: answerUnroutable,
    clientErrorHandler: answerUnreadable,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 1_000 },
  }).withTypeProvider<TypeBoxTypeProvider>()

  const allowed = createAllowedMethods()
  server.addHook('onRoute', ({ url, method }) => {
    allowed.add(url, method)
  })
  server.removeContentTypeParser('text/plain')
  const parseJson = server.getDefaultJsonParser('error', 'error')
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Many clients name a type also when they send nothing; a route that needs a body says so itself.
    if (body === '') done(null, undefined)
    else void parseJson(request, body as string, done)
  })
  server.setValidatorCompiler(({ schema, httpPart }) =>
    httpPart === 'body' ? compileBody(schema as object) : textAjv.compile(schema as object),
  )
  server.setSchemaErrorFormatter((errors, part) =>
    invalidArgument(violationsOf(errors as ErrorObject[], part)),
  )
  limitBodies(server, options.mostBodyBytes ?? 67_108_864)
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
    // No body is taken in for what is not there.
    if (request.is404) throw notThere(request, allowed.at(pathOf(request)))
  })
  server.setNotFoundHandler((request) => {
    throw notThere(request, allowed.at(pathOf(request)))
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

function notThere(request: FastifyRequest, methods: readonly string[]): AppError {
  if (methods.length > 0 && !methods.includes(request.method)) {
    const allow = methods.join(', ')
    return new AppError('METHOD_NOT_ALLOWED', `Here the methods are ${allow}.`, {
      headers: { allow },
    })
  }
  const path = pathOf(request).slice(0, 200)
  return new AppError('NOT_FOUND', `There is nothing at ${request.method} ${path}.`)
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
  if (isOutOfReach(thrown)) {
    return new AppError(
      'UNAVAILABLE',
      'The service cannot answer at the moment. Try again in a few seconds.',
      {
        cause: thrown,
        headers: { 'retry-after': '5' },
      },
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

/** Codes of a database that cannot be reached, is starting or stopping, or has no room (PostgreSQL, appendix A). */
const outOfReach =
  /^(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EPIPE|08\d{3}|53\d{3}|57P0[123])$/

/** What the driver says, without a code, of a connection that broke or could not be made in time. */
const brokenConnection =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/

function isOutOfReach(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false
  if ('code' in thrown && typeof thrown.code === 'string' && outOfReach.test(thrown.code))
    return true
  return brokenConnection.test(thrown.message)
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

/**
 * Every status that the registry knows, for the generated OpenAPI.
 * @public
 */
export const documentedStatuses = [
  ...new Set(Object.values(errorCodes).map((e) => e.status)),
].sort()
