import type { Server } from 'node:http'
import { awakeFor } from '#platform/awake-for'

/** a server that nobody has asked for so long has nobody to tell */
const quietMs = 10_000
const drainMs = 10_000

/**
 * Ends HTTP servers without failing a request: for `lameDuckMs` they serve what comes, and each answer ends its
 * connection, so that clients go elsewhere. Then idle connections end, the others with their answer or after 10 s.
 */
export function createServerDrain(
  servers: readonly Server[],
  lameDuckMs: number,
  endHandshakes: () => void,
): { end(): Promise<void> } {
  let leaving = false
  let arrivedMs = Number.NEGATIVE_INFINITY
  for (const server of servers)
    server.prependListener('request', (_request, response) => {
      arrivedMs = performance.now()
      if (leaving) response.setHeader('connection', 'close')
    })
  return {
    async end() {
      leaving = true
      if (lameDuckMs > 0 && performance.now() - arrivedMs < quietMs) await awakeFor(lameDuckMs)
      const ended = Promise.all(servers.map(drained))
      // They carry no request yet.
      endHandshakes()
      await ended
    },
  }
}

async function drained(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  // A connection that was busy a moment ago is idle now, and would keep the server open until it times out. Timers run
  // before what has come is read: it is read first.
  const closeIdle = (): void => void setImmediate(() => server.closeIdleConnections())
  closeIdle()
  const idle = setInterval(closeIdle, 100)
  const deadline = setTimeout(() => server.closeAllConnections(), drainMs)
  await closed
  clearInterval(idle)
  clearTimeout(deadline)
}
