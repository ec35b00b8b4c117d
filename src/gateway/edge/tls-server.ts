import type { Socket } from 'node:net'
import { createSecureContext, createServer, type Server, type TLSSocket } from 'node:tls'
import { askForCertificate } from '#platform/client-certificates/ask-for-certificate'
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
    minVersion: 'TLSv1.3',
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
  const endHandshakes = limitHandshakes(server, limits, events)
  server.on('tlsClientError', (error, socket) => {
    events.refused(tlsFaultOf(error))
    socket.destroy()
  })
  return { server, endHandshakes }
}

/**
 * A client that begins handshakes and ends none must not keep others out: beyond the limit the oldest is given up, which
 * a sound client has long finished.
 * @returns what ends all of them: they carry no request that a drain would wait for
 */
function limitHandshakes(server: Server, limits: GatewayLimits, events: EdgeEvents): () => void {
  const unfinished = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    unfinished.set(key, socket)
    socket.once('close', () => {
      if (unfinished.get(key) === socket) unfinished.delete(key)
    })
    if (unfinished.size <= limits.handshakes) return
    const [oldest] = unfinished
    if (oldest === undefined) return
    unfinished.delete(oldest[0])
    events.refused('handshakes')
    oldest[1].destroy()
  })
  server.on('secureConnection', (socket: TLSSocket) => unfinished.delete(keyOf(socket)))
  return () => {
    for (const socket of unfinished.values()) socket.destroy()
  }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`

/** @throws when the key does not belong to the certificate: nothing may be put in place of one that works then */
export function replaceCertificate(server: Server, certificate: Certificate): void {
  createSecureContext(certificate)
  server.setSecureContext({ ...certificate, ...askForCertificate, minVersion: 'TLSv1.3' })
}
