import type { FastifyReply, FastifyRequest } from 'fastify'

type Server = {
  addHook(
    name: 'onRequest',
    hook: (
      request: Pick<FastifyRequest, 'raw' | 'headers' | 'routeOptions'>,
      reply: Pick<FastifyReply, 'raw'>,
    ) => Promise<void>,
  ): unknown
}

/**
 * A body is gathered before its route sees it, so clients that begin many and end none could fill the memory. Those under
 * way count for as much as they may become; beyond `mostBytes` the oldest is given up, which a sound client has long
 * finished.
 */
export function limitBodies(server: Server, mostBytes: number): void {
  const unfinished = new Map<FastifyRequest['raw'], number>()
  let total = 0
  const forget = (raw: FastifyRequest['raw']): void => {
    total -= unfinished.get(raw) ?? 0
    unfinished.delete(raw)
  }
  server.addHook('onRequest', async (request, reply) => {
    const { raw } = request
    const size = bytesToCome(request)
    if (size === 0) return
    unfinished.set(raw, size)
    total += size
    for (const event of ['end', 'close']) raw.once(event, () => forget(raw))
    // What comes after an answer is thrown away.
    reply.raw.once('close', () => forget(raw))
    for (const oldest of unfinished.keys()) {
      if (total <= mostBytes || oldest === raw) break
      forget(oldest)
      oldest.destroy()
    }
  })
}

/** None of one that is refused for what it says of its own length. */
function bytesToCome({
  headers,
  routeOptions,
}: Pick<FastifyRequest, 'headers' | 'routeOptions'>): number {
  if (headers['transfer-encoding'] !== undefined) return routeOptions.bodyLimit
  const length = Number(headers['content-length'] ?? 0)
  return length > routeOptions.bodyLimit ? 0 : length
}
