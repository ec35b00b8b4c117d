import type { Socket } from 'node:net'
import { FieldNames } from '../upstreams/field-text.ts'
import { Http1Connection, type Http1Settings } from './http1-connection.ts'
import { ownSocket } from './own-socket.ts'
import { HttpDate } from './response-text.ts'

export interface Http1Connections {
  /** Speaks HTTP/1.1 on a connection. */
  accept(socket: Socket): void
  /** Ends the connections on which nothing is on its way. */
  closeIdle(): void
  destroy(): void
}

const everyMs = 1_000

/** The HTTP/1.1 side of an address. */
export function createHttp1Connections(
  options: Omit<Http1Settings, 'date' | 'names'> & { nowMs: () => number },
): Http1Connections {
  const connections = new Set<Http1Connection>()
  const settings: Http1Settings = {
    ...options,
    date: new HttpDate(options.nowMs),
    names: new FieldNames(),
  }
  let timer: NodeJS.Timeout | undefined
  const gone = (connection: Http1Connection): void => {
    connections.delete(connection)
    if (connections.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    accept(socket) {
      settings.events.connected('http/1.1', settings.secure)
      const { own, readInto } = ownSocket(socket)
      const connection = new Http1Connection(own, settings, gone)
      connections.add(connection)
      readInto(connection)
      timer ??= setInterval(() => {
        const nowMs = settings.monotonicMs()
        for (const one of connections) one.look(nowMs)
      }, everyMs)
    },
    closeIdle() {
      for (const one of connections) if (one.idle) one.drop()
    },
    destroy() {
      for (const one of connections) one.drop()
    },
  }
}
