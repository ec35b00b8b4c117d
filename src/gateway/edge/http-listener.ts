import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
import type { Duplex } from 'node:stream'
import type { GatewayLimits } from '../gateway-limits.ts'
import { Connection } from './connection.ts'
import type { ConnectionCaps } from './connection-caps.ts'
import type { EdgeEvents } from './edge-metrics.ts'
import { createHttp2Sessions, type Http2Sessions } from './http2-sessions.ts'
import type { Handle } from './messages.ts'
import { knownCode, refuseRaw } from './refuse-raw.ts'
import { type Certificate, createTlsServer, replaceCertificate } from './tls-server.ts'

/** One address that partners reach. */
export interface HttpListener {
  start(): Promise<void>
  port(): number
  /** What new connections are shown from now on. @throws when the key is another certificate's */
  useCertificate(certificate: Certificate): void
  /** how many connections are open */
  connections(): Promise<number>
  /** Tells clients that this address is about to go; it still takes what comes. */
  announceEnd(): void
  /** Takes no more connections, lets requests finish until the deadline, and then ends what is left. */
  stop(deadlineMs: number): Promise<void>
}

/** @public */
export function createHttpListener(options: {
  host: string
  port: number
  /** given, the address speaks TLS 1.3 only, with HTTP/2 or HTTP/1.1 in it */
  tls: Certificate | undefined
  limits: GatewayLimits
  /** shared by the addresses of a gateway */
  caps: ConnectionCaps
  handle: Handle
  events: EdgeEvents
  monotonicMs: () => number
}): HttpListener {
  const { limits, handle, events, tls } = options
  const settings: ServerOptions = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    // Node tells clients this time (`Keep-Alive: timeout`) and waits for the buffer longer itself, so that a request
    // which is sent at the last moment does not meet a closed connection.
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    keepAliveTimeoutBuffer: 2_000,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: limits.headerBytes,
    // Whether there is a host, and one only, is checked with the rest of the framing, in the standard's error model.
    requireHostHeader: false,
    noDelay: true,
  }
  let http2: Http2Sessions | undefined
  let secure: ReturnType<typeof createTlsServer> | undefined
  let server: Server
  if (tls === undefined) {
    server = createServer(settings)
    server.on('connection', () => events.connected('http/1.1', false))
  } else {
    const sessions = createHttp2Sessions({ ...options, onFault: events.sessionEnded })
    http2 = sessions
    secure = createTlsServer({
      settings,
      certificate: tls,
      limits,
      events,
      onHttp2: (socket) => sessions.accept(socket),
    })
    server = secure.server
  }
  // Node drops fields beyond its own count in silence; the gateway counts them and refuses.
  server.maxHeadersCount = 0
  server.maxConnections = limits.connections
  server.on('drop', () => events.refused('connections'))
  serveHttp1(server, handle, tls !== undefined)
  refuseUnreadable(server, limits, events)
  options.caps.guard(server, events)
  return {
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(options.port, options.host, () => {
          server.off('error', reject)
          resolve()
        })
      }),
    port() {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : options.port
    },
    useCertificate(certificate) {
      if (secure !== undefined) replaceCertificate(secure.server, certificate)
    },
    connections: () =>
      new Promise((resolve) => {
        server.getConnections((_error, count) => resolve(count ?? 0))
      }),
    announceEnd: () => http2?.announceEnd(),
    async stop(deadlineMs) {
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      secure?.endHandshakes()
      // A connection may become idle at any moment of the drain.
      const idle = setInterval(() => server.closeIdleConnections(), 100)
      const deadline = setTimeout(() => {
        http2?.destroy()
        server.closeAllConnections()
      }, deadlineMs)
      await http2?.close()
      await closed
      clearInterval(idle)
      clearTimeout(deadline)
    },
  }
}

/** What comes behind the request whose answer ends the connection is not a request. */
function serveHttp1(server: Server, handle: Handle, secure: boolean): void {
  const serve = (request: IncomingMessage, response: ServerResponse, waits: boolean): void => {
    const connection = Connection.of(request.socket)
    if (connection.ended) return
    connection.requests += 1
    connection.waiting += 1
    handle(request, response, { secure, expectsContinue: waits, connection })
  }
  server.on('request', (request, response) => serve(request, response, false))
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    serve(request, response, true),
  )
}

/** Bytes that are no request, and requests that are for something else than this gateway. */
function refuseUnreadable(server: Server, limits: GatewayLimits, events: EdgeEvents): void {
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    refuseRaw(response.socket, 400, 'The only expectation that is met here is 100-continue.')
  })
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuseRaw(socket, 405, 'This is not a proxy.')
  })
  server.on('clientError', (error: Error, socket: Duplex) => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
    events.unreadable(knownCode(code))
    if (code === 'ECONNRESET') socket.destroy()
    else if (code === 'HPE_HEADER_OVERFLOW')
      refuseRaw(socket, 431, `The header fields may have ${limits.headerBytes} bytes together.`)
    else if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
      refuseRaw(socket, 408, 'The request did not arrive in time.')
    else refuseRaw(socket, 400, 'This is not a well-formed HTTP/1.1 request.')
  })
}
