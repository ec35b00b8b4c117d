import type { Config } from '#platform/config'
import type { Log } from '#platform/log'
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
