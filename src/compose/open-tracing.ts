import type { Server } from 'node:http'
import type { Config } from '#platform/config'
import type { HttpServer } from '#platform/http-server'
import type { Log } from '#platform/log'
import { RequestTraces } from '#platform/request-traces'
import { createTracing, type Tracing } from '#platform/tracing'

/**
 * Where this process sends its spans, when a collector is configured. The exporter is loaded here, before anything is
 * served: it takes a tenth of a second, and 24 MB that a process without a collector does not spend.
 */
export async function openTracing(
  config: Config,
  log: Log,
  service: { name: string; instance: string; environment?: string },
): Promise<{ tracing: Tracing; share: number } | undefined> {
  const { endpoint, headers, share } = config.traces
  if (endpoint === undefined) return undefined
  const { createOtlpSender } = await import('#platform/otlp-exporter')
  const sender = createOtlpSender({
    endpoint,
    headers,
    resource: {
      'service.name': service.name,
      'service.namespace': 'wayleave',
      'service.version': config.version,
      'service.instance.id': service.instance,
      ...(service.environment === undefined
        ? {}
        : { 'deployment.environment.name': service.environment }),
    },
  })
  return { share, tracing: createTracing({ sender, log }) }
}

/** Each request of control: its route is the template that it met. */
export function traceRoutes(
  server: HttpServer,
  traces: { tracing: Tracing; share: number } | undefined,
): void {
  if (traces === undefined) return
  const requests = new RequestTraces(traces)
  server.addHook('onResponse', async (request, reply) => {
    const endMs = Date.now()
    requests.record({
      headers: request.headers,
      method: request.method,
      route: request.routeOptions.url,
      status: reply.statusCode,
      startMs: endMs - reply.elapsedTime,
      endMs,
    })
  })
}

/** the addresses of a fixed table are plain words: what else somebody asks for is nobody's business */
const plainAddress = /^(?:\/[a-z._-]{1,40}){1,4}$/

/** Each request of a server whose addresses are a fixed table. */
export function traceAddresses(
  server: Server,
  traces: { tracing: Tracing; share: number } | undefined,
): void {
  if (traces === undefined) return
  const requests = new RequestTraces(traces)
  server.on('request', (request, response) => {
    const startMs = Date.now()
    const path = request.url?.split('?', 1)[0] ?? ''
    response.on('finish', () => {
      const { statusCode: status } = response
      requests.record({
        headers: request.headers,
        method: request.method ?? '',
        route: status === 404 || !plainAddress.test(path) ? undefined : path,
        status,
        startMs,
        endMs: Date.now(),
      })
    })
  })
}
