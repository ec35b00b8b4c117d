import type { IncomingHttpHeaders as Http1Headers } from 'node:http'
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { GatewayRequest, GatewayResponse } from './messages.ts'

/**
 * A request of HTTP/2, in the terms of HTTP/1.1 (RFC 9113 section 8.3.1).
 * @public
 */
export class Http2Request implements GatewayRequest {
  readonly httpVersion = '2.0'
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: Http1Headers
  readonly rawHeaders: readonly string[]
  readonly socket: TLSSocket
  readonly scheme: string | undefined
  /** RFC 8441: another protocol on this stream */
  readonly protocol: string | undefined
  /** what the fields count for (RFC 9113 section 6.5.2): names, values, and 32 bytes for each */
  readonly fieldBytes: number
  /** it always follows in frames of its own */
  readonly body = undefined
  /** bytes of the body that were read */
  bodyBytes = 0
  #stream: ServerHttp2Stream
  #ended = false

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    fields: readonly string[],
    socket: TLSSocket,
  ) {
    this.#stream = stream
    this.socket = socket
    this.method = headers[':method']
    this.url = headers[':path']
    this.scheme = headers[':scheme']
    this.protocol = headers[':protocol'] as string | undefined
    const authority = headers[':authority']
    this.rawHeaders = withHost(fields, authority)
    this.fieldBytes = fields.reduce((sum, text) => sum + text.length + 16, 0)
    if (authority !== undefined) headers.host = authority
    this.headers = headers as Http1Headers
  }

  get complete(): boolean {
    return this.#ended || this.#stream.endAfterHeaders
  }

  on(event: 'data' | 'end', listener: (value: never) => void): void {
    const heard = listener as (value?: unknown) => void
    if (event === 'data') {
      this.#stream.on('data', (chunk: Buffer) => {
        this.bodyBytes += chunk.length
        heard(chunk)
      })
    } else {
      this.#stream.on('end', () => {
        // A stream that its client reset with NO_ERROR ends as well: what came of it is not the body.
        if (this.#stream.closed) return
        this.#ended = true
        heard()
      })
    }
  }
}

/** Host once, as in HTTP/1.1; a Host that is not the authority stays beside it, and is refused as a second one. */
function withHost(fields: readonly string[], authority: string | undefined): string[] {
  const regular: string[] = authority === undefined ? [] : ['host', authority]
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i] ?? ''
    const value = fields[i + 1] ?? ''
    if (name.startsWith(':')) continue
    if (name === 'host' && value.toLowerCase() === authority?.toLowerCase()) continue
    regular.push(name, value)
  }
  return regular
}

/** The answer on a stream of HTTP/2: it is written whole, so its head waits for its body. */
export class Http2Response implements GatewayResponse {
  shouldKeepAlive = true
  /** whether an answer has been given */
  ended = false
  #stream: ServerHttp2Stream
  #request: Http2Request
  #head: string[] = []

  constructor(stream: ServerHttp2Stream, request: Http2Request) {
    this.#stream = stream
    this.#request = request
  }

  get destroyed(): boolean {
    return this.#stream.destroyed || this.#stream.closed
  }

  writeContinue(): void {
    if (!this.destroyed) this.#stream.additionalHeaders({ ':status': 100 })
  }

  writeHead(status: number, fields: string[]): void {
    this.#head = [':status', String(status), ...fields]
  }

  end(body?: string | Buffer): void {
    if (this.destroyed || this.ended) return
    this.ended = true
    if (body === undefined || body.length === 0)
      this.#stream.respond(this.#head, { endStream: true })
    else {
      this.#stream.respond(this.#head)
      this.#stream.end(body)
    }
    // RFC 9113 section 8.1: the answer is complete without the rest of the request, which need not come any more.
    if (!this.#request.complete) this.#stream.close(constants.NGHTTP2_NO_ERROR)
  }

  destroy(): void {
    if (!this.destroyed) this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR)
  }

  on(event: 'close', listener: () => void): void {
    this.#stream.on(event, listener)
  }
}
