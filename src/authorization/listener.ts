import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import { AppError } from '#platform/app-error'
import { askForCertificate } from '#platform/client-certificates/ask-for-certificate'
import { correlatorOf } from '#platform/correlator'
import { limitHandshakes } from '#platform/limit-handshakes'
import type { ServerCertificate } from '#platform/local-certificate'
import type { Log } from '#platform/log'
import { answerToFault, unavailable } from './answer-fault.ts'
import type { EndpointPart } from './grants/grant-part.ts'
import type { Issuer } from './issuer.ts'
import { invalidRequest, OAuthError } from './oauth-error.ts'
import { createBodyReceiver } from './receive-body.ts'

const maxHeaders = 100
const maxRequestsInFlight = 500
const maxHandshakes = 1_000
const deadlineMs = 10_000
/** of 48 KiB at most */
const maxBodiesUnderWay = 2_000

type Exchange = {
  request: IncomingMessage
  response: ServerResponse
  correlator: string
  /** what stands for the `*` of the endpoint's path */
  rest: string
}
type Endpoint = {
  methods: readonly string[]
  serve: (exchange: Exchange) => Promise<void> | void
  /** answers in the OAuth error format, also to what is wrong with the request itself */
  oauth?: boolean
}

const deadlines = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 1_000,
  keepAliveTimeout: 65_000,
}

/**
 * The HTTP listeners of both issuers: what is not in their tables does not exist. The one with TLS asks for certificates,
 * so it has the endpoints that clients authenticate at, and nothing that a browser is sent to.
 */
export function createListeners(
  issuers: readonly Issuer[],
  certificate: ServerCertificate | undefined,
  log: Log,
): { plain: Server; secure: TlsServer | undefined; endHandshakes(): void } {
  const within = bounded(log)
  const answering = (endpoints: ReadonlyMap<string, Endpoint>) => {
    return (request: IncomingMessage, response: ServerResponse): void => {
      void serve(endpoints, request, response, log)
    }
  }
  const plain = createServer(deadlines, answering(endpointTable(issuers, within)))
  const clientsOnly = endpointTable(issuers, within, ({ kind }) => kind === 'client')
  const secure =
    certificate &&
    createTlsServer(
      { ...deadlines, ...certificate, ...askForCertificate, handshakeTimeout: 10_000 },
      answering(clientsOnly),
    )
  secure?.on('tlsClientError', (_error, socket) => socket.destroy())
  const endHandshakes = secure && limitHandshakes(secure, maxHandshakes)
  for (const server of [plain, ...(secure ? [secure] : [])]) {
    // Above a limit Node drops headers without a word; they are counted below instead.
    server.maxHeadersCount = 0
    server.maxRequestsPerSocket = 1_000
  }
  return { plain, secure, endHandshakes: () => endHandshakes?.() }
}

async function serve(
  endpoints: ReadonlyMap<string, Endpoint>,
  request: IncomingMessage,
  response: ServerResponse,
  log: Log,
): Promise<void> {
  const given = correlatorOf(request.headers['x-correlator'])
  const correlator = given ?? correlatorOf(undefined) ?? ''
  response.setHeader('x-correlator', correlator)
  response.setHeader('cache-control', 'no-store')
  response.setHeader('x-content-type-options', 'nosniff')
  const path = request.url?.split('?', 1)[0] ?? ''
  const [endpoint, rest] = endpointAt(endpoints, path)
  try {
    if (given === undefined)
      throw malformed(endpoint, 'x-correlator has a wrong character or length')
    if (request.rawHeaders.length > maxHeaders * 2)
      throw malformed(endpoint, `there are more than ${maxHeaders} headers`)
    if (endpoint === undefined)
      throw new AppError('NOT_FOUND', `There is nothing at ${shown(path)}.`)
    if (!endpoint.methods.includes(request.method ?? '')) {
      throw new AppError(
        'METHOD_NOT_ALLOWED',
        `${shown(path)} takes ${endpoint.methods.join(' and ')} only.`,
        { headers: { allow: endpoint.methods.join(', ') } },
      )
    }
    await endpoint.serve({ request, response, correlator, rest })
  } catch (error) {
    refuse(error, request, response, correlator, log)
  }
}

/** An endpoint of exactly this path, or the one of its folder that takes one segment more. */
function endpointAt(
  endpoints: ReadonlyMap<string, Endpoint>,
  path: string,
): [endpoint: Endpoint | undefined, rest: string] {
  const exact = path.endsWith('*') ? undefined : endpoints.get(path)
  if (exact !== undefined) return [exact, '']
  const at = path.lastIndexOf('/') + 1
  const rest = path.slice(at)
  if (!/^[\w-]{1,128}$/.test(rest)) return [undefined, '']
  return [endpoints.get(`${path.slice(0, at)}*`), rest]
}

const malformed = (endpoint: Endpoint | undefined, message: string): Error =>
  endpoint?.oauth === true
    ? invalidRequest(message)
    : new AppError('INVALID_ARGUMENT', `${message}.`)

const shown = (path: string): string => path.slice(0, 200)

function refuse(
  error: unknown,
  request: IncomingMessage,
  response: ServerResponse,
  correlator: string,
  log: Log,
): void {
  if (request.destroyed && !request.complete) return
  // What is left of the body is not read; the connection cannot be used again.
  if (!request.complete) response.setHeader('connection', 'close')
  if (error instanceof AppError) {
    answer(response, error.status, error.toBody(), error.headers)
  } else if (error instanceof OAuthError) {
    const { error: code, error_description } = error
    answer(response, error.statusCode, { error: code, error_description })
  } else {
    const { status, headers, body } = answerToFault(error, correlator, log)
    answer(response, status, body, headers)
  }
}

function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (response.headersSent) return
  const text = JSON.stringify(body)
  response
    .writeHead(status, {
      'content-type': 'application/json; charset=utf-8',
      'content-length': Buffer.byteLength(text),
      ...headers,
    })
    .end(text)
}

function endpointTable(
  issuers: readonly Issuer[],
  within: ReturnType<typeof bounded>,
  serves: (part: EndpointPart) => boolean = () => true,
): ReadonlyMap<string, Endpoint> {
  const table = new Map<string, Endpoint>()
  const reading = ['GET', 'HEAD']
  const document = (make: () => unknown, contentType?: string): Endpoint => ({
    methods: reading,
    serve: ({ response }) => {
      const type = contentType === undefined ? {} : { 'content-type': contentType }
      answer(response, 200, make(), { 'cache-control': 'public, max-age=60', ...type })
    },
  })
  for (const issuer of issuers) {
    // A proxy in front may pass the path of the public address on, or take it away.
    const urls = [issuer.url, issuer.certificatesUrl ?? issuer.url]
    const paths = urls.map((url) => new URL(url).pathname)
    for (const prefix of new Set([...paths, `/${issuer.environment}`])) {
      const metadata = document(() => issuer.metadata())
      table.set(`${prefix}/.well-known/openid-configuration`, metadata)
      table.set(`${prefix}/.well-known/oauth-authorization-server`, metadata)
      // RFC 8414, section 3.1: the well-known part stands before the issuer's path.
      table.set(`/.well-known/oauth-authorization-server${prefix}`, metadata)
      table.set(
        `${prefix}/jwks`,
        document(() => issuer.jwks(), 'application/jwk-set+json'),
      )
      for (const part of issuer.endpoints.filter(serves)) {
        table.set(`${prefix}${part.path}`, {
          methods: part.methods,
          oauth: part.kind === 'client',
          serve: within(issuer, (exchange) => issuer.serve(part, { ...exchange, prefix })),
        })
      }
    }
  }
  table.set(
    '/',
    document(() => ({
      name: 'Wayleave authorization servers',
      issuers: Object.fromEntries(issuers.map(({ environment, url }) => [environment, url])),
    })),
  )
  return table
}

/**
 * A bound on the requests under way and a deadline for each: a database that hangs must not gather them. What is not here
 * whole is not under way, so that slow clients take no place of others.
 */
function bounded(
  log: Log,
): (issuer: Issuer, serving: (exchange: Exchange) => Promise<void>) => Endpoint['serve'] {
  const bodies = createBodyReceiver({ most: maxBodiesUnderWay, mostMs: deadlineMs })
  let inFlight = 0
  return (issuer, serving) => async (exchange) => {
    const { request, response, correlator } = exchange
    if (!(await bodies.receive(request))) return
    if (inFlight >= maxRequestsInFlight) {
      const { status, headers, body } = unavailable('too many requests at the moment', 1)
      answer(response, status, body, headers)
      return
    }
    inFlight += 1
    const deadline = setTimeout(() => {
      log.error({ correlator, environment: issuer.environment }, 'a request timed out')
      const { status, headers, body } = unavailable('this cannot be served at the moment', 2)
      answer(response, status, body, headers)
    }, deadlineMs)
    try {
      await serving(exchange)
    } finally {
      clearTimeout(deadline)
      inFlight -= 1
    }
  }
}
