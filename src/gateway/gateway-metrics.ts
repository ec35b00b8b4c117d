import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** Rate, errors and duration of one operation; labels come from published documents only, so they are bounded. */
export interface OperationMetrics {
  answered(status: number, totalMs: number, upstreamMs: number | undefined): void
}

export interface GatewayMetrics {
  operation(api: string, operation: string): OperationMetrics
  /** requests that met no operation */
  readonly unrouted: OperationMetrics
  refusedConnection(code: string): void
  /** fields of a response that its document does not declare, and that were taken out */
  stripped(api: string, operation: string): void
  /** a rule of a document that an answer of an upstream broke, and what was done about it */
  violated(api: string, operation: string, keyword: string, action: string): void
}

export function createGatewayMetrics(
  registry: Registry,
  sources: { inFlight: () => number; journalHealthy: () => boolean; revision: () => number },
): GatewayMetrics {
  const registers = [registry]
  const requests = new Counter({
    name: 'wayleave_gateway_requests_total',
    help: 'Answers by operation and class of status.',
    labelNames: ['api', 'operation', 'status'] as const,
    registers,
  })
  const duration = new Histogram({
    name: 'wayleave_gateway_request_seconds',
    help: 'Time from the first byte of a request to its answer.',
    labelNames: ['api', 'operation'] as const,
    buckets: seconds,
    registers,
  })
  const upstream = new Histogram({
    name: 'wayleave_gateway_upstream_seconds',
    help: 'The part of that time that the upstream took.',
    labelNames: ['api', 'operation'] as const,
    buckets: seconds,
    registers,
  })
  const connections = new Counter({
    name: 'wayleave_gateway_unreadable_requests_total',
    help: 'Connections whose bytes were no acceptable HTTP request.',
    labelNames: ['code'] as const,
    registers,
  })
  const strippedFields = new Counter({
    name: 'wayleave_gateway_stripped_responses_total',
    help: 'Responses that had undeclared fields taken out.',
    labelNames: ['api', 'operation'] as const,
    registers,
  })
  const violations = new Counter({
    name: 'wayleave_gateway_response_violations_total',
    help: 'Rules of published documents that answers of upstreams broke, by what was done about it.',
    labelNames: ['api', 'operation', 'keyword', 'action'] as const,
    registers,
  })
  observed(registry, 'wayleave_gateway_in_flight', 'Requests being served.', sources.inFlight)
  observed(
    registry,
    'wayleave_gateway_journal_healthy',
    '1 while the journal can be written.',
    () => (sources.journalHealthy() ? 1 : 0),
  )
  observed(
    registry,
    'wayleave_gateway_snapshot_revision',
    'Revision of the snapshot that is served.',
    sources.revision,
  )
  const operation = (api: string, name: string): OperationMetrics => {
    const labels = { api, operation: name }
    const byClass = Array.from({ length: 6 }, (_, i) =>
      requests.labels({ ...labels, status: `${i}xx` }),
    )
    const whole = duration.labels(labels)
    const part = upstream.labels(labels)
    return {
      answered(status, totalMs, upstreamMs) {
        byClass[Math.floor(status / 100)]?.inc()
        whole.observe(totalMs / 1_000)
        if (upstreamMs !== undefined) part.observe(upstreamMs / 1_000)
      },
    }
  }
  return {
    operation,
    unrouted: operation('none', 'none'),
    refusedConnection: (code) => connections.labels({ code }).inc(),
    stripped: (api, name) => strippedFields.labels({ api, operation: name }).inc(),
    violated: (api, name, keyword, action) =>
      violations.labels({ api, operation: name, keyword, action }).inc(),
  }
}

function observed(registry: Registry, name: string, help: string, value: () => number): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value())
    },
  })
}
