import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { collectDefaultMetrics, Registry } from 'prom-client'

/** @public */
export type InternalHandler = (
  request: IncomingMessage,
  response: ServerResponse,
) => void | Promise<void>

/**
 * The internal listener of each process: `/health/live`, `/health/ready`, `/metrics`, and what the role adds.
 * It is never the address that partners reach.
 * @public
 */
export function createInternalServer(options: {
  host: string
  port: number
  ready: () => boolean
  handlers?: Readonly<Record<string, InternalHandler>>
  /** what `/metrics` says, when it is not the registry alone */
  metrics?: () => Promise<string>
}): { registry: Registry; port(): number; start(): Promise<void>; stop(): Promise<void> } {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const answer = (response: ServerResponse, status: number, body: object): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
  const handlers: Record<string, InternalHandler> = {
    'GET /health/live': (_request, response) => answer(response, 200, { status: 'ok' }),
    'GET /health/ready': (_request, response) =>
      options.ready()
        ? answer(response, 200, { status: 'ok' })
        : answer(response, 503, { status: 'not ready' }),
    'GET /metrics': async (_request, response) => {
      response
        .writeHead(200, { 'content-type': registry.contentType })
        .end(await (options.metrics?.() ?? registry.metrics()))
    },
    ...options.handlers,
  }
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
    const handler = handlers[`${request.method} ${path}`]
    if (handler === undefined) {
      answer(response, 404, {
        status: 404,
        code: 'NOT_FOUND',
        message: `There is nothing at ${path}.`,
      })
      return
    }
    void Promise.resolve(handler(request, response)).catch(() => {
      if (!response.headersSent)
        answer(response, 500, { status: 500, code: 'INTERNAL', message: 'It failed.' })
      else response.destroy()
    })
  })
  return {
    registry,
    port: () => {
      const address = server.address()
      return typeof address === 'object' && address !== null ? address.port : options.port
    },
    start: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        // Exclusive: each worker of a gateway has an internal address of its own.
        server.listen({ port: options.port, host: options.host, exclusive: true }, () => {
          server.off('error', reject)
          resolve()
        })
      }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
