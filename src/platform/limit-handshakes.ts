import type { Socket } from 'node:net'
import type { Server, TLSSocket } from 'node:tls'

/**
 * A client that begins handshakes and ends none must not keep others out: beyond `most` the oldest is given up, which a
 * sound client has long finished.
 * @returns what ends all of them: they carry no request that a drain would wait for
 * @public
 */
export function limitHandshakes(server: Server, most: number, refused?: () => void): () => void {
  const unfinished = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    unfinished.set(key, socket)
    socket.once('close', () => {
      if (unfinished.get(key) === socket) unfinished.delete(key)
    })
    if (unfinished.size <= most) return
    const [oldest] = unfinished
    if (oldest === undefined) return
    unfinished.delete(oldest[0])
    refused?.()
    oldest[1].destroy()
  })
  server.on('secureConnection', (socket: TLSSocket) => unfinished.delete(keyOf(socket)))
  return () => {
    for (const socket of unfinished.values()) socket.destroy()
  }
}

const keyOf = (socket: Socket): string => `${socket.remoteAddress} ${socket.remotePort}`
