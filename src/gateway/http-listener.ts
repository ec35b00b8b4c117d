import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Duplex } from 'node:stream'
import type { GatewayLimits } from './gateway-limits.ts'

export type Handle = (
  request: IncomingMessage,
  response: ServerResponse,
  options: { secure: boolean; expectsContinue: boolean },
) => void

/** One address that partners reach. */
export interface HttpListener {
  start(): Promise<void>
  port(): number
  /** Takes no more connections, lets requests finish until the deadline, and then ends what is left. */
  stop(deadlineMs: number): Promise<void>
}

export function createHttpListener(options: {
  host: string
  port: number
  /** given, the address speaks TLS 1.3 only */
  tls: { key: string; cert: string } | undefined
  limits: GatewayLimits
  handle: Handle
  onUnreadable: (code: string) => void
}): HttpListener {
  const { limits, handle, tls } = options
  const settings = {
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: limits.headerBytes,
    // Whether there is a host, and one only, is checked with the rest of the framing, in the standard's error model.
    requireHostHeader: false,
    noDelay: true,
  }
  const server: Server =
    tls === undefined
      ? createServer(settings)
      : createTlsServer({
          ...settings,
          ...tls,
          minVersion: 'TLSv1.3',
          handshakeTimeout: limits.headersTimeoutMs,
        })
  const secure = tls !== undefined
  // Node drops fields beyond its own count in silence; the gateway counts them and refuses.
  server.maxHeadersCount = 0
  server.maxRequestsPerSocket = limits.requestsPerConnection
  server.maxConnections = limits.connections
  server.on('request', (request, response) =>
    handle(request, response, { secure, expectsContinue: false }),
  )
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    handle(request, response, { secure, expectsContinue: true }),
  )
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    refuseRaw(response.socket, 400, 'The only expectation that is met here is 100-continue.')
  })
  server.on('connect', (_request: IncomingMessage, socket: Duplex) => {
    refuseRaw(socket, 405, 'This is not a proxy.')
  })
  server.on('clientError', (error: Error, socket: Duplex) => {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
    options.onUnreadable(knownCode(code))
    if (code === 'ECONNRESET') socket.destroy()
    else if (code === 'HPE_HEADER_OVERFLOW')
      refuseRaw(socket, 431, `The header fields may have ${limits.headerBytes} bytes together.`)
    else if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
      refuseRaw(socket, 408, 'The request did not arrive in time.')
    else refuseRaw(socket, 400, 'This is not a well-formed HTTP/1.1 request.')
  })
  if (secure) {
    server.on('tlsClientError', () => options.onUnreadable('tls'))
  }
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
    async stop(deadlineMs) {
      if (!server.listening) return
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve())
      })
      // A connection may become idle at any moment of the drain.
      const idle = setInterval(() => server.closeIdleConnections(), 100)
      const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs)
      await closed
      clearInterval(idle)
      clearTimeout(deadline)
    },
  }
}

const statusTexts: Record<number, string> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
}

/** Answers bytes that are no request, in the standard's error model, and ends the connection. */
function refuseRaw(socket: Duplex | null, status: number, message: string): void {
  if (socket === null || !socket.writable || hasOtherAnswer(socket)) {
    socket?.destroy()
    return
  }
  const code = status === 405 ? 'METHOD_NOT_ALLOWED' : 'INVALID_ARGUMENT'
  const body = JSON.stringify({ status, code, message })
  socket.end(
    [
      `HTTP/1.1 ${status} ${statusTexts[status]}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-correlator: ${randomUUID()}`,
      'cache-control: no-store',
      'connection: close',
      '',
      body,
    ].join('\r\n'),
    () => socket.destroy(),
  )
}

/**
 * Whether an earlier request on this connection still waits for its answer, or an answer has begun: what is written
 * now would be taken for it.
 */
function hasOtherAnswer(socket: Duplex): boolean {
  const message = (socket as { _httpMessage?: ServerResponse | null })._httpMessage
  if (message === undefined || message === null) return false
  return message.headersSent || message.req.complete
}

/** Parser codes are a closed set; whatever else comes is one label. */
const knownCode = (code: string): string =>
  /^HPE_[A-Z_]{1,40}$/.test(code) || code === 'ERR_HTTP_REQUEST_TIMEOUT' || code === 'ECONNRESET'
    ? code
    : 'other'
