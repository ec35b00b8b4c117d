import { Counter, Gauge, type Registry } from 'prom-client'
import { errorCodes } from '#platform/error-codes'
import type { TracingCounters } from '#platform/tracing'
import { forgetSeries } from './forget-series.ts'
import { OperationSeries } from './operation-series.ts'
import { registerReadMetric, type Sample } from './read-metric.ts'

/** @public */
export interface GatewayMetrics {
  operation(api: string, operation: string): OperationSeries
  /** requests that met no operation */
  readonly unrouted: OperationSeries
  /** the operations that are published now, by API: series of others go away */
  published(operations: ReadonlyMap<string, ReadonlySet<string>>): void
  /** a call that a rule, or an upstream, turned away */
  refused(rule: string, code: string | undefined, tier: string | undefined): void
  refusedConnection(code: string): void
  /** fields of a response that its document does not declare, and that were taken out */
  stripped(api: string, operation: string): void
  /** a rule of a document that an answer of an upstream broke, and what was done about it */
  violated(api: string, operation: string, keyword: string, action: string): void
}

export type MetricSources = {
  inFlight: () => number
  heldBytes: () => number
  journalHealthy: () => boolean
  journalBacklog: () => { segments: number; oldestMs: number }
  revision: () => number
  snapshotAgeMs: () => number
  limitMode: () => string
  limitMembers: () => number
  traces: () => TracingCounters | undefined
}

/**
 * Everything that this process counts of its own work. docs/guides/monitoring.md lists it; a test holds them equal.
 * @public
 */
export function createGatewayMetrics(registry: Registry, sources: MetricSources): GatewayMetrics {
  const registers = [registry]
  const series = new Map<string, OperationSeries>()
  let published: ReadonlyMap<string, ReadonlySet<string>> = new Map()
  // First of all: what it forgets is not shown by those that follow.
  observed(registry, {
    name: 'wayleave_gateway_published_operations',
    help: 'Operations that are served.',
    aggregator: 'max',
    value: () => {
      forgetSeries(registry, published)
      let count = 0
      for (const operations of published.values()) count += operations.size
      return count
    },
  })
  const unrouted = new OperationSeries('none', 'none')
  const all = (): OperationSeries[] => [unrouted, ...series.values()]
  registerSeries(registry, all)
  const refusals = registerRefusals(registry)
  observeState(registry, sources)
  observeTraces(registry, sources.traces)
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
  return {
    operation(api, name) {
      const key = `${api} ${name}`
      const one = series.get(key) ?? new OperationSeries(api, name)
      series.set(key, one)
      return one
    },
    unrouted,
    published(operations) {
      published = operations
      for (const [key, one] of series)
        if (operations.get(one.api)?.has(one.operation) !== true) series.delete(key)
    },
    refused: refusals,
    refusedConnection: (code) => connections.labels({ code }).inc(),
    stripped: (api, name) => strippedFields.labels({ api, operation: name }).inc(),
    violated: (api, name, keyword, action) =>
      violations.labels({ api, operation: name, keyword, action }).inc(),
  }
}

function registerSeries(registry: Registry, all: () => readonly OperationSeries[]): void {
  registerReadMetric(registry, {
    name: 'wayleave_gateway_requests_total',
    help: 'Answers by operation, tier of the contract and class of status.',
    type: 'counter',
    labels: ['api', 'operation', 'tier', 'status'],
    read: () => all().flatMap((one) => [...one.requests()]),
  })
  const whole = 'wayleave_gateway_request_seconds'
  registerReadMetric(registry, {
    name: whole,
    help: 'Time from the first byte of a request to its answer.',
    type: 'histogram',
    labels: ['api', 'operation'],
    read: () => all().flatMap((one) => [...one.durations(whole)]),
  })
  const part = 'wayleave_gateway_upstream_seconds'
  registerReadMetric(registry, {
    name: part,
    help: 'The part of that time that the upstream took, by where the call was served.',
    type: 'histogram',
    labels: ['api', 'operation', 'upstream'],
    read: () => all().flatMap((one) => [...one.upstreamDurations(part)]),
  })
}

/** Rules and tiers are fixed sets; a code that an upstream made up is `other`. */
function registerRefusals(registry: Registry): GatewayMetrics['refused'] {
  const counts = new Map<string, Sample & { labels: Record<string, string> }>()
  registerReadMetric(registry, {
    name: 'wayleave_gateway_refusals_total',
    help: 'Calls that a rule of the gateway or an upstream turned away, by rule, code and tier.',
    type: 'counter',
    labels: ['rule', 'code', 'tier'],
    read: () => counts.values(),
  })
  return (rule, code = 'none', tier = 'none') => {
    const known = code === 'none' || Object.hasOwn(errorCodes, code) ? code : 'other'
    const key = `${rule} ${known} ${tier}`
    const sample = counts.get(key)
    if (sample === undefined) counts.set(key, { labels: { rule, code: known, tier }, value: 1 })
    else sample.value += 1
  }
}

function observeState(registry: Registry, sources: MetricSources): void {
  for (const gauge of [
    {
      name: 'wayleave_gateway_in_flight',
      help: 'Requests being served.',
      aggregator: 'sum',
      value: sources.inFlight,
    },
    {
      name: 'wayleave_gateway_held_bytes',
      help: 'Bytes of bodies that are held at once.',
      aggregator: 'sum',
      value: sources.heldBytes,
    },
    {
      name: 'wayleave_gateway_limit_members',
      help: 'Processes that share the limits, as this one last knew.',
      aggregator: 'max',
      value: sources.limitMembers,
    },
    {
      name: 'wayleave_gateway_journal_healthy',
      help: '1 while the journal can be written.',
      aggregator: 'min',
      value: () => (sources.journalHealthy() ? 1 : 0),
    },
    {
      name: 'wayleave_gateway_journal_waiting_segments',
      help: 'Sealed segments of the journal that the intake has not acknowledged.',
      aggregator: 'sum',
      value: () => sources.journalBacklog().segments,
    },
    {
      name: 'wayleave_gateway_journal_waiting_seconds',
      help: 'How long the oldest of them has waited.',
      aggregator: 'max',
      value: () => sources.journalBacklog().oldestMs / 1_000,
    },
    {
      name: 'wayleave_gateway_snapshot_revision',
      help: 'Revision of the snapshot that is served.',
      aggregator: 'min',
      value: sources.revision,
    },
    {
      name: 'wayleave_gateway_snapshot_age_seconds',
      help: 'Time since the published snapshot was last read.',
      aggregator: 'max',
      value: () => sources.snapshotAgeMs() / 1_000,
    },
  ] as const)
    observed(registry, gauge)
  registerReadMetric(registry, {
    name: 'wayleave_gateway_limit_mode',
    help: 'Processes by how they keep limits: alone, shared, waiting for the store, or local without it.',
    type: 'gauge',
    labels: ['mode'],
    read: () =>
      limitModes.map((mode) => ({ labels: { mode }, value: sources.limitMode() === mode ? 1 : 0 })),
  })
}

const limitModes = ['alone', 'shared', 'waiting', 'local'] as const

/**
 * Connections are counted by the listeners, which come later.
 * @public
 */
export function observeConnections(
  registry: Registry,
  listeners: Readonly<Record<string, { connections(): Promise<number> } | undefined>>,
): void {
  registerReadMetric(registry, {
    name: 'wayleave_gateway_open_connections',
    help: 'Connections that are open, by listener.',
    type: 'gauge',
    labels: ['listener'],
    read: () =>
      Promise.all(
        Object.entries(listeners).flatMap(([listener, one]) =>
          one === undefined
            ? []
            : [one.connections().then((value) => ({ labels: { listener }, value }))],
        ),
      ),
  })
}

function observeTraces(registry: Registry, counters: MetricSources['traces']): void {
  registerReadMetric(registry, {
    name: 'wayleave_gateway_spans_total',
    help: 'Spans by what became of them; dropped ones found the collector slow or away.',
    type: 'counter',
    labels: ['result'],
    read: () => {
      const counted = counters()
      if (counted === undefined) return []
      return [
        { labels: { result: 'sent' }, value: counted.sent },
        { labels: { result: 'dropped' }, value: counted.dropped },
      ]
    },
  })
}

function observed(
  registry: Registry,
  gauge: {
    name: string
    help: string
    aggregator: 'sum' | 'min' | 'max'
    value: () => number
  },
): void {
  const { name, help, aggregator, value } = gauge
  new Gauge({
    name,
    help,
    aggregator,
    registers: [registry],
    collect() {
      this.set(value())
    },
  })
}
