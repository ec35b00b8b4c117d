import { createServer, type Server } from 'node:net'
import { replaceCertificate } from '#platform/client-certificates/ask-for-certificate'
import type { GatewayLimits } from '../gateway-limits.ts'
import type { ConnectionCaps } from './connection-caps.ts'
import type { EdgeEvents } from './edge-metrics.ts'
import { createHttp1Connections } from './http1-connections.ts'
import { createHttp2Sessions, type Http2Sessions } from './http2-sessions.ts'
import type { Handle } from './messages.ts'
import { type Certificate, createTlsServer } from './tls-server.ts'

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
  /** wall clock */
  nowMs: () => number
}): HttpListener {
  const { limits, events, tls } = options
  const http1 = createHttp1Connections({ ...options, secure: tls !== undefined })
  let http2: Http2Sessions | undefined
  let secure: ReturnType<typeof createTlsServer> | undefined
  let server: Server
  if (tls === undefined) {
    // A client that ends its half still gets what has been written for it.
    server = createServer(
      { noDelay: true, allowHalfOpen: true, pauseOnConnect: true },
      http1.accept,
    )
  } else {
    const sessions = createHttp2Sessions({ ...options, onFault: events.sessionEnded })
    http2 = sessions
    secure = createTlsServer({
      certificate: tls,
      limits,
      events,
      onHttp1: http1.accept,
      onHttp2: sessions.accept,
    })
    server = secure.server
  }
  server.maxConnections = limits.connections
  server.on('drop', () => events.refused('connections'))
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
      // A connection may become idle at any moment of the drain. Timers run before what has come is read: it is read first.
      const closeIdle = (): void => void setImmediate(http1.closeIdle)
      closeIdle()
      const idle = setInterval(closeIdle, 100)
      const deadline = setTimeout(() => {
        http2?.destroy()
        http1.destroy()
      }, deadlineMs)
      await http2?.close()
      await closed
      clearInterval(idle)
      clearTimeout(deadline)
    },
  }
}
