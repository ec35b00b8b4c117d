import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import type { Connection } from './connection.ts'

/**
 * What the pipeline needs of a request, in HTTP/1.1 and HTTP/2.
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
  /** the body, when it came with the head; nobody is told of it by `on` then */
  readonly body: Buffer | undefined
  /** @param listener hears each piece, and of how many pieces the client made it */
  on(event: 'data', listener: (chunk: Buffer, pieces?: number) => void): unknown
  on(event: 'end', listener: () => void): unknown
}

/**
 * What the pipeline needs of a response: it is written whole, and at once. Who does not read it is found by whatever
 * looks after the connection.
 * @public
 */
export interface GatewayResponse {
  readonly destroyed: boolean
  /** whether the connection goes on after this answer; HTTP/2 has no such thing */
  shouldKeepAlive: boolean
  writeContinue(): void
  writeHead(status: number, fields: string[]): unknown
  end(body?: string | Buffer): unknown
  destroy(): unknown
  /** The answer has left, or its connection has gone. */
  on(event: 'close', listener: () => void): unknown
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
