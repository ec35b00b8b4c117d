import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '#platform/clock'
import { correlatorOf } from '#platform/correlator'
import type { Log } from '#platform/log'
import { sameSecret } from '#platform/sealing'
import type { Call, Simulation } from './call.ts'
import { type Answer, invalid, type Outcome, refusal } from './outcome.ts'
import type { PublishedApis } from './published-apis.ts'
import { readBody } from './read-body.ts'
import { isPhoneNumber } from './request-fields.ts'

type AnswererOptions = {
  apis: PublishedApis
  simulationOf: (apiId: string, operationId: string) => Simulation
  upstreamToken: string
  clock: Clock
  log: Log
}

const longestSilenceMs = 60_000
const usualDeadlineMs = 30_000

/** Reads a request of the sandbox gateway, finds the operation, and writes what its simulation answers. */
export function createAnswerer(options: AnswererOptions): {
  handle: (request: IncomingMessage, response: ServerResponse) => void
  /** Ends the connections that are kept waiting on purpose. */
  releaseSilent: () => void
} {
  const silent = new Set<ServerResponse>()

  const keepSilent = (request: IncomingMessage, response: ServerResponse): void => {
    const deadline = Number(request.headers['x-wayleave-deadline-ms'])
    const waitMs = deadline > 0 ? deadline : usualDeadlineMs
    const timer = setTimeout(() => response.destroy(), Math.min(waitMs + 1_000, longestSilenceMs))
    silent.add(response)
    response.once('close', () => {
      clearTimeout(timer)
      silent.delete(response)
    })
  }

  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const correlator = correlatorOf(request.headers['x-correlator'])
    if (correlator !== undefined) response.setHeader('x-correlator', correlator)
    const outcome = await outcomeOf(options, request).catch((error: unknown) => {
      // The gateway hung up while the body was read: there is nobody to answer.
      if (request.destroyed && !request.complete) return 'silent' as const
      return failed(options.log, correlator, error)
    })
    if (response.destroyed) return
    if (outcome === 'silent') {
      keepSilent(request, response)
      return
    }
    if (outcome === 'malformed') {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"answer": ')
      return
    }
    if (outcome.delayMs > 0) await waitOrClose(response, outcome.delayMs)
    write(response, outcome)
  }

  return {
    handle: (request, response) => {
      void respond(request, response).catch((error: unknown) => {
        options.log.error({ reason: reasonOf(error) }, 'an answer could not be written')
        response.destroy()
      })
    },
    releaseSilent: () => {
      for (const response of silent) response.destroy()
    },
  }
}

async function outcomeOf(options: AnswererOptions, request: IncomingMessage): Promise<Outcome> {
  if (!isGateway(request, options.upstreamToken)) {
    return refusal(401, 'UNAUTHENTICATED', 'Only the sandbox gateway is answered here.')
  }
  const [path = '/', query = ''] = (request.url ?? '/').split(/\?(.*)/s, 2)
  const body = await readBody(request)
  if (body.kind === 'too-large') {
    return refusal(413, 'PAYLOAD_TOO_LARGE', 'The body is larger than 256 KiB.')
  }
  const matched = options.apis.match(request.method ?? 'GET', path)
  if (matched === undefined) {
    return refusal(404, 'NOT_FOUND', 'No published document has such an operation.')
  }
  if (body.kind === 'malformed') return invalid('', 'The body is not valid JSON.')
  const applicationId = request.headers['x-wayleave-application']
  if (typeof applicationId !== 'string' || !/^[\w-]{1,64}$/.test(applicationId)) {
    return invalid('x-wayleave-application', 'must name the application that calls')
  }
  const { operation } = matched.documented
  if (body.kind === 'none' && operation.requestBody?.required === true) {
    return invalid('', 'The body is required.')
  }
  const call: Call = {
    ...matched,
    applicationId,
    subject: subjectOf(request),
    query,
    body: body.kind === 'json' ? body.value : undefined,
    now: options.clock.now(),
  }
  return await options.simulationOf(matched.api.id, operation.operationId)(call)
}

/** The gateway names the subscriber of a 3-legged token beside the request. */
function subjectOf({ headers }: IncomingMessage): string | undefined {
  const subject = headers['x-wayleave-subject']
  return isPhoneNumber(subject) ? subject : undefined
}

function isGateway(request: IncomingMessage, token: string): boolean {
  const [scheme, shown, ...more] = (request.headers.authorization ?? '').split(' ')
  const presented = scheme?.toLowerCase() === 'bearer' && more.length === 0 ? (shown ?? '') : ''
  return sameSecret(presented, token) && presented !== ''
}

function write(response: ServerResponse, answer: Answer): void {
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value)
  if (answer.status === 429 || answer.status === 503) response.setHeader('retry-after', '1')
  if (answer.status === 413) response.setHeader('connection', 'close')
  if (answer.body === undefined) {
    response.end()
    return
  }
  response.setHeader('content-type', answer.mediaType)
  response.end(
    typeof answer.body === 'string' && !/[/+]json\b/.test(answer.mediaType)
      ? answer.body
      : JSON.stringify(answer.body),
  )
}

async function waitOrClose(response: ServerResponse, ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms)
    response.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** PostgreSQL's SQLSTATE classes for a server that is away, full or stopping; no code at all is a lost connection. */
const awayClasses = new Set(['08', '53', '57'])

function failed(log: Log, correlator: string | undefined, error: unknown): Answer {
  const code = errorCodeOf(error)
  // Never the error itself: what PostgreSQL says of a row may hold a phone number.
  log.error({ correlator, reason: reasonOf(error) }, 'a simulation failed')
  const isOurs = error instanceof TypeError || error instanceof RangeError
  const isAway =
    code === undefined || !/^[0-9A-Z]{5}$/.test(code) || awayClasses.has(code.slice(0, 2))
  return isAway && !isOurs
    ? refusal(503, 'UNAVAILABLE', 'The simulated network cannot answer at the moment.')
    : refusal(500, 'INTERNAL', 'The simulated network failed.')
}

const errorCodeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : undefined

const reasonOf = (error: unknown): string => {
  const name = error instanceof Error ? error.name : typeof error
  const code = errorCodeOf(error)
  return code === undefined ? name : `${name} ${code}`
}
