import { createServer, type Server, type TLSSocket } from 'node:tls'
import { askForCertificate } from '#platform/client-certificates/ask-for-certificate'
import { limitHandshakes } from '#platform/limit-handshakes'
import type { GatewayLimits } from '../gateway-limits.ts'
import { type EdgeEvents, tlsFaultOf } from './edge-metrics.ts'

/** PEM texts */
export type Certificate = { key: string; cert: string }

/**
 * A server for TLS 1.3 only, so that nothing can be renegotiated. It has one certificate for every name that a client
 * asks for (or asks none): which names are right is decided by the request's host, which must be the name asked for.
 * The handshake agrees on HTTP/2 or HTTP/1.1 (ALPN), and ends when a client speaks neither.
 */
export function createTlsServer(options: {
  certificate: Certificate
  limits: GatewayLimits
  events: EdgeEvents
  onHttp1: (socket: TLSSocket) => void
  onHttp2: (socket: TLSSocket) => void
}): { server: Server; endHandshakes(): void } {
  const { limits, events, certificate } = options
  const server = createServer({
    ...certificate,
    ...askForCertificate,
    handshakeTimeout: limits.headersTimeoutMs,
    ALPNProtocols: ['h2', 'http/1.1'],
    noDelay: true,
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    if (socket.alpnProtocol !== 'h2') options.onHttp1(socket)
    else {
      events.connected('h2', true)
      options.onHttp2(socket)
    }
  })
  const endHandshakes = limitHandshakes(server, limits.handshakes, () =>
    events.refused('handshakes'),
  )
  server.on('tlsClientError', (error, socket) => {
    events.refused(tlsFaultOf(error))
    socket.destroy()
  })
  return { server, endHandshakes }
}
