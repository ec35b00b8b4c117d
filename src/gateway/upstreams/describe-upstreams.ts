import type { RollBack } from './canary.ts'
import type { BreakerState } from './circuit-breaker.ts'
import type { ServedApi } from './served-api.ts'
import type { SeenDifference } from './shadow.ts'
import type { Endpoint, Side } from './upstream-endpoint.ts'

/** How one target is doing, as one gateway process sees it. @public */
export type TargetReport = {
  name: string
  side: Side
  weight: number
  /** what decides whether it gets calls now */
  state: 'serving' | 'ejected' | 'unhealthy' | 'open' | 'half-open'
  breaker: BreakerState
  healthy: boolean
  /** seconds until it may be called again; 0 for now */
  backInSeconds: number
  inFlight: number
  /** of the last ten seconds */
  calls: number
  failures: number
}

/** @public */
export type CanaryReport = {
  percent: number
  maxErrorPercent: number
  minCalls: number
  calls: number
  errorPercent: number
  stableErrorPercent: number | undefined
  /** `at` in RFC 3339 */
  rolledBack: (Omit<RollBack, 'at'> & { at: string }) | undefined
}

/** What the comparison with a shadow found; no value of an answer is in it. @public */
export type ShadowReport = {
  percent: number
  same: number
  different: number
  failed: number
  skipped: number
  /** the latest first; moments in RFC 3339 */
  differences: readonly (Omit<SeenDifference, 'firstAt' | 'lastAt'> & {
    firstAt: string
    lastAt: string
  })[]
}

/**
 * What one gateway process knows of where an API is served.
 * @public
 */
export type UpstreamReport = {
  api: string
  owner: { team: string; contact: string }
  kind: 'http' | 'function' | 'simulated' | 'platform' | 'none'
  inFlight: number
  targets: readonly TargetReport[]
  canary: CanaryReport | undefined
  shadow: ShadowReport | undefined
}

/** @public */
export function describeUpstream(served: ServedApi, nowMs: number): UpstreamReport {
  const { api, canary, shadow } = served
  return {
    api: api.id,
    owner: api.owner,
    kind: api.upstream.kind,
    inFlight: served.inFlight,
    targets: served.endpoints.map((endpoint) => describeTarget(endpoint, nowMs)),
    canary: canary && {
      percent: canary.settings.percent,
      maxErrorPercent: canary.settings.maxErrorPercent,
      minCalls: canary.settings.minCalls,
      ...canary.progress(),
      rolledBack: canary.rolledBack && {
        ...canary.rolledBack,
        at: momentOf(canary.rolledBack.at),
      },
    },
    shadow: shadow && {
      percent: shadow.settings.percent,
      ...shadow.counts,
      differences: shadow
        .differences()
        .toReversed()
        .map(({ firstAt, lastAt, ...rest }) => ({
          ...rest,
          firstAt: momentOf(firstAt),
          lastAt: momentOf(lastAt),
        })),
    },
  }
}

const momentOf = (ms: number): string => new Date(ms).toISOString()

function describeTarget(endpoint: Endpoint, nowMs: number): TargetReport {
  const { name, side, weight, healthy, inFlight, recent } = endpoint
  const breaker = endpoint.breakerState(nowMs)
  const ejectedMs = Math.max(0, endpoint.ejectedUntilMs - nowMs)
  recent.forget(nowMs)
  return {
    ...{ name, side, weight, breaker, healthy, inFlight },
    state: stateOf(healthy, breaker, ejectedMs),
    backInSeconds: Math.ceil(Math.max(ejectedMs, endpoint.waitMs(nowMs)) / 1_000),
    calls: recent.fine + recent.failed,
    failures: recent.failed,
  }
}

function stateOf(
  healthy: boolean,
  breaker: BreakerState,
  ejectedMs: number,
): TargetReport['state'] {
  if (!healthy) return 'unhealthy'
  if (breaker !== 'closed') return breaker
  return ejectedMs > 0 ? 'ejected' : 'serving'
}
