import type { IncomingMessage } from 'node:http'
import { isCrumbled } from '../upstreams/body-pieces.ts'

/**
 * Throws the rest of a body away, so that the client sees the answer and the connection can go on; what is too long, or
 * comes in crumbs, ends the connection.
 * @public
 */
export function discardRest(request: IncomingMessage, mostBytes: number): void {
  const { socket } = request
  let pieces = 0
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    pieces += 1
    bytes += chunk.length
    if (bytes > mostBytes || isCrumbled(pieces, bytes)) socket.destroy()
  })
  // Begun now: a body that nobody reads when its answer has been sent is thrown away by Node without any bound.
  request.read(0)
}
