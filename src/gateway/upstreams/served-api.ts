import type { ApiEntry } from '#snapshot'
import { Canary, type CanarySettings } from './canary.ts'
import type { CanaryMemory } from './canary-memory.ts'
import { chooseEndpoint } from './choose-endpoint.ts'
import type { BreakerState } from './circuit-breaker.ts'
import { ejectOutlier } from './eject-outlier.ts'
import type { EndpointMaker } from './endpoint-maker.ts'
import { HealthCheck } from './health-check.ts'
import { RetryBudget } from './retry-budget.ts'
import { Shadow } from './shadow.ts'
import type { Endpoint } from './upstream-endpoint.ts'
import type { UpstreamMetrics } from './upstream-metrics.ts'

export type Surroundings = {
  maker: EndpointMaker
  memory: CanaryMemory
  metrics: UpstreamMetrics
  log: { warn(fields: object, message: string): void; info(fields: object, message: string): void }
  random: () => number
  nowMs: () => number
  monotonicMs: () => number
}

/**
 * Where one API version is served, with everything that is known of its targets. Nothing of it is shared with another
 * API: connections, bounds, breakers and budgets are its own, so that one's trouble is not another's.
 */
export class ServedApi {
  #api: ApiEntry
  readonly primaries: readonly Endpoint[]
  readonly canary: Canary | undefined
  readonly shadow: Shadow | undefined
  readonly retries = new RetryBudget()
  readonly metrics: UpstreamMetrics
  inFlight = 0
  /** bytes of the requests and answers that are under way */
  heldBytes = 0
  #healthChecks: readonly HealthCheck[]
  #around: Surroundings

  /** @param before what served this API until now: its canary goes on when its settings are the same */
  constructor(api: ApiEntry, around: Surroundings, before: ServedApi | undefined) {
    this.#api = api
    this.#around = around
    const { maker, metrics } = around
    this.metrics = metrics
    const { upstream } = api
    this.primaries = maker.primaries(api)
    this.canary = 'canary' in upstream ? this.#canaryOf(upstream.canary, before) : undefined
    // Not at a start, which may begin with an older snapshot.
    if (before !== undefined && this.canary?.rolledBack === undefined) around.memory.forget(api.id)
    const shadow = 'shadow' in upstream ? upstream.shadow : undefined
    const endpoint = shadow && maker.at(api, shadow.url, 'shadow')
    this.shadow =
      shadow &&
      endpoint &&
      new Shadow(shadow, endpoint, {
        ...around,
        api,
        counted: (result) => metrics.shadowed(api.id, result),
      })
    this.#healthChecks = this.#checksOf(upstream)
  }

  get api(): ApiEntry {
    return this.#api
  }

  /** The API was published again with the same upstream. */
  republished(api: ApiEntry): void {
    if (api === this.#api) return
    this.#api = api
    this.shadow?.republished(api)
  }

  /** Another worker of this gateway may have rolled the canary back. */
  recallRollBack(): void {
    const { canary } = this
    if (canary === undefined || canary.rolledBack !== undefined) return
    canary.rolledBack = this.#around.memory.recall(this.api.id, canary.settings)
  }

  /** Every target, for those who look. */
  get endpoints(): readonly Endpoint[] {
    const others = [this.canary?.endpoint, this.shadow?.endpoint]
    return [...this.primaries, ...others.filter((one) => one !== undefined)]
  }

  /** @returns the target of a call, or how many milliseconds there will be none */
  choose(applicationId: string, nowMs: number): Endpoint | number {
    const { canary } = this
    if (canary?.takes(applicationId) === true) {
      const chosen = chooseEndpoint([canary.endpoint], nowMs, this.#around.random)
      if (chosen !== undefined) return chosen
    }
    return this.chooseStable(nowMs) ?? this.#waitMs(nowMs)
  }

  chooseStable(nowMs: number, except?: Endpoint): Endpoint | undefined {
    return chooseEndpoint(this.primaries, nowMs, this.#around.random, except)
  }

  /** A call failed there: a target that stands out among its peers is taken out for a while. */
  failedAt(endpoint: Endpoint, nowMs: number): void {
    if (endpoint.side !== 'primary' || !ejectOutlier(endpoint, this.primaries, nowMs)) return
    endpoint.metrics.ejected()
    this.#around.log.warn(
      { ...this.#who(endpoint), forSeconds: Math.round((endpoint.ejectedUntilMs - nowMs) / 1_000) },
      'an upstream target stands out with failures, and gets no calls for a while',
    )
  }

  /** A call ended there: whoever runs this must know when a breaker opens or closes. */
  breakerWas(before: BreakerState, endpoint: Endpoint, nowMs: number): void {
    const now = endpoint.breakerState(nowMs)
    if (now === before) return
    const { log } = this.#around
    if (now === 'closed') log.info(this.#who(endpoint), 'an upstream target is called again')
    if (now !== 'open') return
    endpoint.metrics.opened()
    log.warn(
      { ...this.#who(endpoint), forSeconds: Math.ceil(endpoint.waitMs(nowMs) / 1_000) },
      'an upstream target fails, and gets no calls for a while',
    )
  }

  /** What a call came to, for the comparison of a canary with the stable side. */
  judge(endpoint: Endpoint, failed: boolean): void {
    const { canary } = this
    if (canary === undefined) return
    const at = this.#around.nowMs()
    if (!canary.seen(endpoint.side === 'canary', failed, at)) return
    const { rolledBack, settings } = canary
    if (rolledBack === undefined) return
    this.#around.memory.keep(this.api.id, settings, rolledBack)
    this.#around.log.warn(
      { ...this.#who(endpoint), ...rolledBack, allowedErrorPercent: settings.maxErrorPercent },
      'a canary failed too often and gets no calls any more, until the API is published with other canary settings',
    )
  }

  stop(): void {
    for (const check of this.#healthChecks) check.stop()
  }

  /** Ends all connections. */
  async close(): Promise<void> {
    this.stop()
    await Promise.all(this.endpoints.map(({ origin }) => origin.close()))
  }

  #canaryOf(settings: CanarySettings | undefined, before: ServedApi | undefined) {
    if (settings === undefined) return undefined
    const endpoint = this.#around.maker.at(this.api, settings.url, 'canary')
    if (endpoint === undefined) return undefined
    const canary = new Canary(this.api.id, settings, endpoint)
    const same = JSON.stringify(before?.canary?.settings) === JSON.stringify(settings)
    canary.rolledBack =
      (same ? before?.canary?.rolledBack : undefined) ??
      this.#around.memory.recall(this.api.id, settings)
    return canary
  }

  #checksOf(upstream: ApiEntry['upstream']): readonly HealthCheck[] {
    const health = upstream.kind === 'http' ? upstream.health : undefined
    if (health === undefined) return []
    const checked = [
      ...this.primaries,
      ...(this.canary === undefined ? [] : [this.canary.endpoint]),
    ]
    return checked.map(
      (endpoint) =>
        new HealthCheck(endpoint, health, {
          random: this.#around.random,
          onChange: (changed) => this.#healthChanged(changed),
        }),
    )
  }

  #healthChanged(endpoint: Endpoint): void {
    const { log } = this.#around
    if (endpoint.healthy) {
      log.info(this.#who(endpoint), 'an upstream target answers its health check again')
      return
    }
    endpoint.metrics.unhealthy()
    log.warn(this.#who(endpoint), 'an upstream target fails its health check and gets no calls')
  }

  #waitMs(nowMs: number): number {
    const waits = this.primaries.map((one) => (one.healthy ? one.waitMs(nowMs) : 1_000))
    return Math.max(1_000, Math.min(...waits))
  }

  #who(endpoint: Endpoint): object {
    return { api: this.api.id, owner: this.api.owner, target: endpoint.name }
  }
}
