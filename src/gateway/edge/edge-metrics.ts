import { Counter, type Registry } from 'prom-client'
import type { SessionFault } from './http2-session.ts'

/** Why a connection was given up before it carried a request. */
export type RefusedConnection = 'connections' | 'address' | 'descriptors' | 'handshakes' | TlsFault

/** What was wrong with a handshake: a closed set, whatever OpenSSL says. */
export type TlsFault =
  | 'tls-plain-text'
  | 'tls-version'
  | 'tls-protocol'
  | 'tls-certificate'
  | 'tls-timeout'
  | 'tls-reset'
  | 'tls'

/** What listeners tell of connections, apart from the requests on them. */
export interface EdgeEvents {
  connected(protocol: 'http/1.1' | 'h2', tls: boolean): void
  refused(reason: RefusedConnection): void
  /** bytes that are no request that a parser accepts */
  unreadable(code: string): void
  /** an HTTP/2 session that was ended because of what its client did */
  sessionEnded(reason: SessionFault): void
}

/** @public */
export function createEdgeMetrics(
  registry: Registry,
  unreadable: (code: string) => void,
): EdgeEvents {
  const registers = [registry]
  const connections = new Counter({
    name: 'wayleave_gateway_connections_total',
    help: 'Connections that were taken, by protocol.',
    labelNames: ['protocol', 'tls'] as const,
    registers,
  })
  const refused = new Counter({
    name: 'wayleave_gateway_refused_connections_total',
    help: 'Connections that were ended before a request: at a cap, or with a failed handshake.',
    labelNames: ['reason'] as const,
    registers,
  })
  const ended = new Counter({
    name: 'wayleave_gateway_http2_sessions_ended_total',
    help: 'HTTP/2 sessions that were ended because of what their clients did.',
    labelNames: ['reason'] as const,
    registers,
  })
  return {
    connected: (protocol, tls) => connections.labels({ protocol, tls: tls ? 'yes' : 'no' }).inc(),
    refused: (reason) => refused.labels({ reason }).inc(),
    unreadable,
    sessionEnded: (reason) => ended.labels({ reason }).inc(),
  }
}

const byCode: Readonly<Record<string, TlsFault>> = {
  ERR_SSL_HTTP_REQUEST: 'tls-plain-text',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls-plain-text',
  ERR_SSL_HTTPS_PROXY_REQUEST: 'tls-plain-text',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'tls-plain-text',
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'tls-version',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'tls-protocol',
  ERR_TLS_HANDSHAKE_TIMEOUT: 'tls-timeout',
  ECONNRESET: 'tls-reset',
  EPIPE: 'tls-reset',
}

export function tlsFaultOf(error: Error): TlsFault {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return byCode[code] ?? (/CERT|_CA$|VERIFY/.test(code) ? 'tls-certificate' : 'tls')
}
