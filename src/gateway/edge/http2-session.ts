import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { GatewayLimits } from '../gateway-limits.ts'
import { Http2Request, Http2Response } from './http2-messages.ts'
import type { Handle } from './messages.ts'

/** Why a session was ended although its client did not ask for it: labels of a metric. */
export type SessionFault =
  | 'pings'
  | 'settings'
  | 'resets'
  | 'overhead'
  | 'invalid-frames'
  | 'protocol'
  | 'silent'

/** Frames that a sound client sends now and then, and a hostile one by the thousand; for each second. */
const mostPings = 100
const mostSettings = 20
/** streams that a client opens and breaks off, for each second */
export const mostResets = 200
/** bytes in a second that are neither fields nor bodies: frame heads, WINDOW_UPDATE, PRIORITY, padding */
const freeOverhead = 65_536
/** what a client may send on a stream before it is read: the initial window of RFC 9113 section 6.9.2 */
const windowBytes = 65_535
/** nothing is on its way on a session that has been still for longer than most ways are long */
const stillMs = 250

export type SessionOptions = {
  limits: GatewayLimits
  handle: Handle
  monotonicMs: () => number
  onFault: (fault: SessionFault) => void
}

type Stream = {
  at: number
  request: Http2Request
  response: Http2Response
  /** when its answer was first seen to wait for its reader */
  answeredMs: number | undefined
  /** bytes of its body that an earlier look has counted */
  counted: number
}

/**
 * One HTTP/2 connection. Node and nghttp2 hold the protocol itself; what they have no limit for is held here: frames that
 * cost work and bring nothing, streams that never end, sessions that nobody uses.
 */
export class Http2Session {
  #session: ServerHttp2Session
  #socket: TLSSocket
  #options: SessionOptions
  #streams = new Map<ServerHttp2Stream, Stream>()
  #requests = 0
  /** when the last of its streams ended, or it began */
  #idleSinceMs: number
  /** whether its client has said that it goes */
  #leaving = false
  /** whether it ends in this turn of the event loop */
  #ending = false
  #fault: SessionFault | undefined
  #close: () => void
  // Since the last look:
  #pings = 0
  #settings = 0
  #resets = 0
  #opened = 0
  #bodyBytes = 0
  #bytesRead = 0
  #bytesWritten = 0

  constructor(session: ServerHttp2Session, socket: TLSSocket, options: SessionOptions) {
    this.#session = session
    this.#socket = socket
    this.#options = options
    this.#idleSinceMs = options.monotonicMs()
    this.#close = session.close.bind(session)
    this.#endAfterReading()
    session.on('ping', () => {
      this.#pings += 1
      if (this.#pings > mostPings) this.#refuse('pings')
    })
    session.on('remoteSettings', () => {
      this.#settings += 1
      if (this.#settings > mostSettings) this.#refuse('settings')
    })
    session.on('error', (error: Error) => {
      if (this.#fault !== undefined) return
      this.#fault = faultOf(error)
      if (this.#fault !== undefined) options.onFault(this.#fault)
    })
    session.on('stream', (stream, headers, _flags, fields) =>
      // The types of Node say otherwise; it is the flat list of names and values.
      this.#begin(stream, headers, fields as unknown as string[]),
    )
  }

  /** Ends what takes too long or costs too much; to be called once a second. */
  look(nowMs: number): void {
    if (this.#session.destroyed) return
    const overhead = this.#overhead()
    this.#pings = 0
    this.#settings = 0
    this.#resets = 0
    this.#opened = 0
    this.#bodyBytes = 0
    this.#bytesRead = this.#socket.bytesRead
    this.#bytesWritten = this.#socket.bytesWritten
    if (overhead > 0) {
      this.#refuse('overhead')
      return
    }
    const { limits, onFault } = this.#options
    for (const [stream, own] of this.#streams) endSlow(stream, own, nowMs, limits)
    const idleMs = nowMs - this.#idleSinceMs
    if (this.#requests === 0 && idleMs > limits.headersTimeoutMs) {
      onFault('silent')
      this.#close()
    } else if (this.#streams.size === 0 && idleMs > limits.keepAliveTimeoutMs) this.#close()
    else if (this.#leaving || this.#requests >= limits.requestsPerConnection)
      this.closeWhenStill(nowMs)
  }

  /**
   * Says GOAWAY when nothing can be on its way: what a client sends before it has heard of it is not processed, and must
   * be sent again elsewhere (RFC 9113 section 6.8).
   * An early GOAWAY with the highest stream id, as that section advises, cannot be sent: after any `session.goaway` of
   * Node (26.9) nghttp2 ignores the streams that follow, without an answer and without a reset.
   */
  closeWhenStill(nowMs: number): void {
    if (this.#streams.size === 0 && nowMs - this.#idleSinceMs > stillMs) this.#close()
  }

  /** Takes no more streams, and ends when the last one has its answer. */
  close(): Promise<void> {
    if (this.#session.destroyed) return Promise.resolve()
    const closed = new Promise<void>((resolve) => {
      this.#session.once('close', () => resolve())
    })
    this.#close()
    return closed
  }

  destroy(): void {
    this.#session.destroy()
  }

  #begin(
    stream: ServerHttp2Stream,
    headers: ConstructorParameters<typeof Http2Request>[1],
    fields: readonly string[],
  ): void {
    const { handle, monotonicMs } = this.#options
    // A client that breaks off is heard by `close`; without a listener it would end the process.
    stream.on('error', () => undefined)
    this.#opened += 1
    if (stream.destroyed || stream.closed) {
      this.#countReset()
      return
    }
    if (this.#ending) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
      return
    }
    const request = new Http2Request(stream, headers, fields, this.#socket)
    const response = new Http2Response(stream, request)
    const own: Stream = { at: monotonicMs(), request, response, answeredMs: undefined, counted: 0 }
    this.#streams.set(stream, own)
    this.#requests += 1
    stream.on('close', () => {
      this.#streams.delete(stream)
      this.#bodyBytes += request.bodyBytes - own.counted
      this.#idleSinceMs = monotonicMs()
      if (!response.ended) this.#countReset()
    })
    handle(request, response, {
      secure: true,
      expectsContinue: headers.expect?.toLowerCase() === '100-continue',
      connection: undefined,
    })
  }

  #countReset(): void {
    this.#resets += 1
    if (this.#resets > mostResets) this.#refuse('resets')
  }

  #refuse(fault: SessionFault): void {
    if (this.#fault !== undefined || this.#ending) return
    this.#fault = fault
    this.#options.onFault(fault)
    this.#session.destroy(new Error(fault), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  /**
   * How many bytes since the last look had no use that is accounted for, beyond what every client may send. A stream may
   * have fields and a window of bytes that nobody read; a long body is counted while it is read.
   */
  #overhead(): number {
    let bodyBytes = this.#bodyBytes
    for (const stream of this.#streams.values()) {
      bodyBytes += stream.request.bodyBytes - stream.counted
      stream.counted = stream.request.bodyBytes
    }
    const read = this.#socket.bytesRead - this.#bytesRead
    const written = this.#socket.bytesWritten - this.#bytesWritten
    const perStream = this.#options.limits.headerBytes + windowBytes
    return read - this.#opened * perStream - bodyBytes * 1.5 - written / 4 - freeOverhead
  }

  /**
   * Node ends a session while it still reads a piece of what the client has sent: on an unsolicited acknowledgement, on a
   * GOAWAY. Streams that follow in the same piece are then unknown to JavaScript, and their first byte of DATA ends the
   * process by an assertion (node 26.9). So a session ends only when the piece has been read, and takes no more streams.
   */
  #endAfterReading(): void {
    const destroy = this.#session.destroy.bind(this.#session)
    this.#session.destroy = (error, code) => {
      if (this.#ending) return
      this.#ending = true
      setImmediate(destroy, error, code)
    }
    // A client's GOAWAY is about what a server may open, and streams of its own may come behind it: Node's own client
    // does that. Node would refuse them.
    this.#session.close = () => {
      this.#leaving = true
    }
  }
}

function endSlow(
  stream: ServerHttp2Stream,
  own: Stream,
  nowMs: number,
  limits: GatewayLimits,
): void {
  if (own.response.ended) {
    own.answeredMs ??= nowMs
    if (nowMs - own.answeredMs > limits.responseTimeoutMs) stream.close(constants.NGHTTP2_CANCEL)
  } else if (!own.request.complete && nowMs - own.at > limits.requestTimeoutMs) {
    const message = 'The request did not arrive in time.'
    const body = JSON.stringify({ status: 408, code: 'INVALID_ARGUMENT', message })
    own.response.writeHead(408, ['content-type', 'application/json', 'cache-control', 'no-store'])
    own.response.end(body)
  }
}

/** @returns undefined for a connection that was merely lost, or that the client ended with an error of its own */
function faultOf(error: Error): SessionFault | undefined {
  const code = 'code' in error ? error.code : undefined
  if (code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') return 'invalid-frames'
  const lost = ['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_HTTP2_SESSION_ERROR']
  return lost.some((one) => one === code) ? undefined : 'protocol'
}
