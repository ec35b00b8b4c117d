import { Counter, Gauge, type Registry } from 'prom-client'

export type CallResult =
  | 'fine'
  | '5xx'
  | 'timeout'
  | 'unreachable'
  | 'broken'
  | 'too large'
  | 'no room'
  | 'cancelled'
  | 'unsendable'
  | 'function'
  | 'invocation'
  | 'throttled'

export type ShadowResult = 'same' | 'different' | 'failed' | 'skipped'
export type CacheResult = 'hit' | 'shared' | 'miss' | 'unstored'

/** What one target of one API is counted under. */
export interface EndpointMetrics {
  ended(result: CallResult): void
  ejected(): void
  opened(): void
  unhealthy(): void
}

/** @public */
export interface UpstreamMetrics {
  endpoint(api: string, target: string): EndpointMetrics
  retried(api: string): void
  shadowed(api: string, result: ShadowResult): void
  cached(api: string, operation: string, result: CacheResult): void
}

/** What the gauges are read from. */
type Observed = {
  readonly api: { readonly id: string }
  readonly endpoints: readonly {
    readonly name: string
    readonly inFlight: number
    breakerState(nowMs: number): keyof typeof state
  }[]
  readonly canary: { readonly rolledBack: object | undefined } | undefined
}

const state = { closed: 0, 'half-open': 1, open: 2 } as const

/**
 * Labels are APIs, operations and targets of published documents, and closed sets: bounded whatever callers send.
 */
export function createUpstreamMetrics(
  registry: Registry,
  sources: { served: () => Iterable<Observed>; monotonicMs: () => number },
): UpstreamMetrics {
  const registers = [registry]
  const calls = new Counter({
    name: 'wayleave_gateway_upstream_calls_total',
    help: 'Calls of upstream targets by how they ended.',
    labelNames: ['api', 'target', 'result'] as const,
    registers,
  })
  const removals = new Counter({
    name: 'wayleave_gateway_upstream_removals_total',
    help: 'Times that a target was taken out, because it failed, stood out, or failed its health check.',
    labelNames: ['api', 'target', 'cause'] as const,
    registers,
  })
  const retries = new Counter({
    name: 'wayleave_gateway_upstream_retries_total',
    help: 'Calls that were sent a second time.',
    labelNames: ['api'] as const,
    registers,
  })
  const shadows = new Counter({
    name: 'wayleave_gateway_shadow_calls_total',
    help: 'Shadow calls by what the comparison said.',
    labelNames: ['api', 'result'] as const,
    registers,
  })
  const cache = new Counter({
    name: 'wayleave_gateway_response_cache_total',
    help: 'Calls of cached operations by what the cache did.',
    labelNames: ['api', 'operation', 'result'] as const,
    registers,
  })
  observeState(registers, sources)
  return {
    endpoint: (api, target) => ({
      ended: counted((result) => calls.labels({ api, target, result })),
      opened: () => removals.inc({ api, target, cause: 'breaker' }),
      ejected: () => removals.inc({ api, target, cause: 'outlier' }),
      unhealthy: () => removals.inc({ api, target, cause: 'health' }),
    }),
    retried: (api) => retries.inc({ api }),
    shadowed: (api, result) => shadows.inc({ api, result }),
    cached: (api, operation, result) => cache.inc({ api, operation, result }),
  }
}

/** A counter by label is looked up once: each call pays for the adding only. */
function counted(find: (result: CallResult) => { inc(): void }): (result: CallResult) => void {
  const found = new Map<CallResult, { inc(): void }>()
  return (result) => {
    let counter = found.get(result)
    if (counter === undefined) {
      counter = find(result)
      found.set(result, counter)
    }
    counter.inc()
  }
}

/** Gauges are read when they are asked for: a target that is no more published has none. */
function observeState(
  registers: Registry[],
  { served, monotonicMs }: Parameters<typeof createUpstreamMetrics>[1],
): void {
  new Gauge({
    name: 'wayleave_gateway_upstream_breaker',
    help: '0 while calls pass, 1 while one call at a time tries, 2 while none passes.',
    labelNames: ['api', 'target'] as const,
    // Of several workers the one that is worst off.
    aggregator: 'max',
    registers,
    collect() {
      this.reset()
      for (const { api, endpoints } of served())
        for (const endpoint of endpoints)
          this.set(
            { api: api.id, target: endpoint.name },
            state[endpoint.breakerState(monotonicMs())],
          )
    },
  })
  new Gauge({
    name: 'wayleave_gateway_upstream_in_flight',
    help: 'Calls that are under way at a target.',
    labelNames: ['api', 'target'] as const,
    registers,
    collect() {
      this.reset()
      for (const { api, endpoints } of served())
        for (const { name, inFlight } of endpoints)
          this.set({ api: api.id, target: name }, inFlight)
    },
  })
  new Gauge({
    name: 'wayleave_gateway_canary_rolled_back',
    help: '1 when the canary of an API failed too often and gets no calls any more.',
    labelNames: ['api'] as const,
    aggregator: 'max',
    registers,
    collect() {
      this.reset()
      for (const { api, canary } of served())
        if (canary !== undefined) this.set({ api: api.id }, canary.rolledBack === undefined ? 0 : 1)
    },
  })
}
