import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection } from './connection.ts'

/**
 * What the pipeline needs of a request. An HTTP/1.1 request of Node is one as it is, so that its path costs nothing; a
 * stream of HTTP/2 is made to look like one.
 * @public
 */
export interface GatewayRequest {
  readonly httpVersion: string
  readonly method?: string | undefined
  /** the request target; in HTTP/2 the `:path` */
  readonly url?: string | undefined
  /** by lower-case name; in HTTP/2 `host` is the `:authority` */
  readonly headers: IncomingHttpHeaders
  /** every field as it came, name and value in turn, without pseudo fields */
  readonly rawHeaders: readonly string[]
  readonly socket: Socket
  /** whether the body has arrived whole */
  readonly complete: boolean
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  on(event: 'end', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/**
 * What the pipeline needs of a response: it is written whole, and at once.
 * @public
 */
export interface GatewayResponse {
  readonly destroyed: boolean
  /** whether the connection goes on after this answer; HTTP/2 has no such thing */
  shouldKeepAlive: boolean
  /** where what a client does not read piles up; null when something else looks after that */
  readonly socket: { readonly writableLength: number } | null
  writeContinue(): void
  writeHead(status: number, fields: string[]): unknown
  end(body?: string | Buffer): unknown
  destroy(error?: Error): unknown
  on(event: 'close', listener: () => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
  once(event: 'close', listener: () => void): unknown
}

/**
 * Serves one request that a listener has received.
 * @public
 */
export type Handle = (
  request: GatewayRequest,
  response: GatewayResponse,
  options: {
    secure: boolean
    expectsContinue: boolean
    /** of HTTP/1.1; the streams of an HTTP/2 session end without one another */
    connection: Connection | undefined
  },
) => void
