import {
  constants,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import type { GatewayLimits } from './gateway-limits.ts'
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

export interface Http2Sessions {
  /** Speaks HTTP/2 on a connection whose handshake agreed on it. */
  accept(socket: TLSSocket): void
  /** Asks every client to open no more streams here; those on the way are served (RFC 9113 section 6.8). */
  announceEnd(): void
  /** Takes no more streams, and resolves when the last one has its answer. */
  close(): Promise<void>
  destroy(): void
}

/** Frames that a sound client sends now and then, and a hostile one by the thousand; for each second. */
const mostPings = 100
const mostSettings = 20
const mostResets = 200
/** bytes in a second that are neither fields nor bodies: frame heads, WINDOW_UPDATE, PRIORITY, padding */
const freeOverhead = 65_536
/** what a client may send on a stream before it is read: the initial window of RFC 9113 section 6.9.2 */
const windowBytes = 65_535
const everyMs = 1_000
/** RFC 9113 section 6.8: a GOAWAY with the highest stream announces the end, and cuts nothing off */
const highestStream = 2 ** 31 - 1

type Stream = {
  at: number
  request: Http2Request
  response: Http2Response
  /** when its answer was first seen to wait for its reader */
  answeredMs: number | undefined
  /** bytes of its body that an earlier look has counted */
  counted: number
}

type Session = {
  socket: TLSSocket
  streams: Map<ServerHttp2Stream, Stream>
  requests: number
  /** when the last of its streams ended, or it began */
  idleSinceMs: number
  announced: boolean
  /** whether it ends in this turn of the event loop */
  ended: boolean
  fault: SessionFault | undefined
  // Since the last look:
  pings: number
  settings: number
  resets: number
  opened: number
  bodyBytes: number
  bytesRead: number
  bytesWritten: number
}

/**
 * The HTTP/2 side of an address with TLS. Node and nghttp2 hold the protocol itself; what they have no limit for is held
 * here: frames that cost work and bring nothing, streams that never end, sessions that nobody uses.
 */
export function createHttp2Sessions(options: {
  limits: GatewayLimits
  handle: Handle
  monotonicMs: () => number
  onFault: (fault: SessionFault) => void
}): Http2Sessions {
  const { limits, handle, monotonicMs } = options
  const sessions = new Map<ServerHttp2Session, Session>()
  let ending = false
  let accepting: TLSSocket | undefined
  let timer: NodeJS.Timeout | undefined

  const server = createServer({
    settings: {
      maxConcurrentStreams: limits.streamsPerConnection,
      // More than is accepted, so that a little too much is answered (431) and only far too much is reset.
      maxHeaderListSize: limits.headerBytes * 2,
    },
    maxHeaderListPairs: limits.headers * 2,
    maxSessionInvalidFrames: 50,
    maxSessionRejectedStreams: 100,
    streamResetBurst: mostResets * 2,
    streamResetRate: mostResets,
    maxOutstandingPings: 4,
    maxSettings: 16,
    strictSingleValueFields: true,
  })

  const abuse = (session: ServerHttp2Session, known: Session, fault: SessionFault): void => {
    if (known.fault !== undefined || known.ended) return
    known.fault = fault
    options.onFault(fault)
    session.destroy(new Error(fault), constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }

  const announce = (session: ServerHttp2Session, known: Session): void => {
    if (known.announced || session.closed || session.destroyed) return
    known.announced = true
    session.goaway(constants.NGHTTP2_NO_ERROR, highestStream)
  }

  const look = (session: ServerHttp2Session, known: Session, nowMs: number): void => {
    if (session.destroyed) return
    if (overheadOf(known, limits) > 0) {
      abuse(session, known, 'overhead')
      return
    }
    for (const [stream, own] of known.streams) {
      if (own.response.ended) {
        own.answeredMs ??= nowMs
        if (nowMs - own.answeredMs > limits.responseTimeoutMs)
          stream.close(constants.NGHTTP2_CANCEL)
      } else if (!own.request.complete && nowMs - own.at > limits.requestTimeoutMs)
        refuseSlow(stream, own.response)
    }
    if (known.streams.size > 0) return
    const idleMs = nowMs - known.idleSinceMs
    const silent = known.requests === 0 && idleMs > limits.headersTimeoutMs
    if (silent) options.onFault('silent')
    // One look lies between the announcement and the end: what was on the way by then has come.
    if (known.announced || silent) session.close()
    else if (idleMs > limits.keepAliveTimeoutMs) announce(session, known)
  }

  const watch = (): void => {
    const nowMs = monotonicMs()
    for (const [session, known] of sessions) {
      look(session, known, nowMs)
      Object.assign(known, countsOf(known.socket))
    }
  }

  server.on('session', (session: ServerHttp2Session) => {
    const socket = accepting
    if (socket === undefined) return
    const known: Session = {
      socket,
      streams: new Map(),
      requests: 0,
      idleSinceMs: monotonicMs(),
      announced: false,
      ended: false,
      fault: undefined,
      ...countsOf(socket),
    }
    sessions.set(session, known)
    endAfterReading(session, known)
    timer ??= setInterval(watch, everyMs).unref()
    session.on('ping', () => {
      known.pings += 1
      if (known.pings > mostPings) abuse(session, known, 'pings')
    })
    session.on('remoteSettings', () => {
      known.settings += 1
      if (known.settings > mostSettings) abuse(session, known, 'settings')
    })
    session.on('error', (error: Error) => {
      if (known.fault !== undefined) return
      known.fault = faultOf(error)
      if (known.fault !== undefined) options.onFault(known.fault)
    })
    session.on('stream', (stream, headers, _flags, fields) => {
      begin(session, known, stream, headers, fields as unknown as string[])
    })
    session.on('close', () => {
      sessions.delete(session)
      if (sessions.size > 0) return
      clearInterval(timer)
      timer = undefined
    })
    if (ending) announce(session, known)
  })

  const begin = (
    session: ServerHttp2Session,
    known: Session,
    stream: ServerHttp2Stream,
    headers: ConstructorParameters<typeof Http2Request>[1],
    fields: readonly string[],
  ): void => {
    // A client that breaks off is heard by `close`; without a listener it would end the process.
    stream.on('error', () => undefined)
    known.opened += 1
    if (stream.destroyed || stream.closed) {
      countReset(session, known)
      return
    }
    if (known.ended) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM)
      return
    }
    const request = new Http2Request(stream, headers, fields, known.socket)
    const response = new Http2Response(stream, request)
    const own: Stream = { at: monotonicMs(), request, response, answeredMs: undefined, counted: 0 }
    known.streams.set(stream, own)
    known.requests += 1
    stream.on('close', () => {
      known.streams.delete(stream)
      known.bodyBytes += request.bodyBytes - own.counted
      known.idleSinceMs = monotonicMs()
      if (!response.ended) countReset(session, known)
    })
    if (known.requests >= limits.requestsPerConnection) announce(session, known)
    handle(request, response, {
      secure: true,
      expectsContinue: headers.expect?.toLowerCase() === '100-continue',
      connection: undefined,
    })
  }

  const countReset = (session: ServerHttp2Session, known: Session): void => {
    known.resets += 1
    if (known.resets > mostResets) abuse(session, known, 'resets')
  }

  return {
    accept(socket) {
      accepting = socket
      server.emit('connection', socket)
      accepting = undefined
    },
    announceEnd() {
      ending = true
      for (const [session, known] of sessions) announce(session, known)
    },
    async close() {
      ending = true
      await Promise.all(
        [...sessions.keys()].map(
          (session) =>
            new Promise<void>((resolve) => {
              if (session.destroyed) resolve()
              else {
                session.once('close', () => resolve())
                session.close()
              }
            }),
        ),
      )
    },
    destroy() {
      for (const session of sessions.keys()) session.destroy()
    },
  }
}

/**
 * Node ends a session while it still reads a piece of what the client has sent: on an unsolicited acknowledgement, on a
 * GOAWAY. Streams that follow in the same piece are then unknown to JavaScript, and their first byte of DATA ends the
 * process by an assertion (node 26.9). So a session ends only when the piece has been read, and takes no more streams.
 */
function endAfterReading(session: ServerHttp2Session, known: Session): void {
  const destroy = session.destroy.bind(session)
  session.destroy = (error, code) => {
    if (known.ended) return
    known.ended = true
    setImmediate(destroy, error, code)
  }
}

const countsOf = (socket: TLSSocket) => ({
  pings: 0,
  settings: 0,
  resets: 0,
  opened: 0,
  bodyBytes: 0,
  bytesRead: socket.bytesRead,
  bytesWritten: socket.bytesWritten,
})

/**
 * How many bytes of the last second had no use that is accounted for, beyond what every client may send. A stream may
 * have fields and a window of bytes that nobody read; a long body is counted while it is read.
 */
function overheadOf(known: Session, limits: GatewayLimits): number {
  const read = known.socket.bytesRead - known.bytesRead
  const written = known.socket.bytesWritten - known.bytesWritten
  let bodyBytes = known.bodyBytes
  for (const stream of known.streams.values()) {
    bodyBytes += stream.request.bodyBytes - stream.counted
    stream.counted = stream.request.bodyBytes
  }
  const useful = known.opened * (limits.headerBytes + windowBytes) + bodyBytes * 1.5 + written / 4
  return read - useful - freeOverhead
}

function refuseSlow(stream: ServerHttp2Stream, response: Http2Response): void {
  const message = 'The request did not arrive in time.'
  const body = JSON.stringify({ status: 408, code: 'INVALID_ARGUMENT', message })
  response.writeHead(408, ['content-type', 'application/json', 'cache-control', 'no-store'])
  response.end(body)
  if (!stream.closed) stream.close(constants.NGHTTP2_NO_ERROR)
}

/** @returns undefined for a connection that was merely lost */
function faultOf(error: Error): SessionFault | undefined {
  const code = 'code' in error ? error.code : undefined
  if (code === 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES') return 'invalid-frames'
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ETIMEDOUT') return undefined
  return typeof code === 'string' && code.startsWith('ERR_HTTP2_SESSION_ERROR')
    ? undefined
    : 'protocol'
}
