import { createServer, type ServerHttp2Session } from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { Http2Session, mostResets, type SessionOptions } from './http2-session.ts'

export interface Http2Sessions {
  /** Speaks HTTP/2 on a connection whose handshake agreed on it. */
  accept(socket: TLSSocket): void
  /** Asks clients to go, each as soon as nothing is on its way from it. */
  announceEnd(): void
  /** Takes no more streams, and resolves when the last one has its answer. */
  close(): Promise<void>
  destroy(): void
}

const everyMs = 1_000
const endingEveryMs = 50

/** The HTTP/2 side of an address with TLS. */
export function createHttp2Sessions(options: SessionOptions): Http2Sessions {
  const { limits, monotonicMs } = options
  const sessions = new Map<ServerHttp2Session, Http2Session>()
  let accepting: TLSSocket | undefined
  let timer: NodeJS.Timeout | undefined
  let ending: NodeJS.Timeout | undefined

  // It listens nowhere: connections are handed to it when their handshake has agreed on HTTP/2.
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
  server.on('session', (session) => {
    if (accepting === undefined) return
    sessions.set(session, new Http2Session(session, accepting, options))
    timer ??= setInterval(() => {
      for (const one of sessions.values()) one.look(monotonicMs())
    }, everyMs).unref()
    session.on('close', () => {
      sessions.delete(session)
      if (sessions.size > 0) return
      clearInterval(timer)
      timer = undefined
    })
  })

  return {
    accept(socket) {
      accepting = socket
      server.emit('connection', socket)
      accepting = undefined
    },
    announceEnd() {
      ending ??= setInterval(() => {
        for (const one of sessions.values()) one.closeWhenStill(monotonicMs())
      }, endingEveryMs).unref()
    },
    async close() {
      clearInterval(ending)
      await Promise.all(Array.from(sessions.values(), (one) => one.close()))
    },
    destroy() {
      for (const one of sessions.values()) one.destroy()
    },
  }
}
