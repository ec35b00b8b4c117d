import { randomInt } from 'node:crypto'
import { lookup } from 'node:dns'
import type { Registry } from 'prom-client'
import type { Clock } from '#platform/clock'
import type { Environment } from '#platform/config'
import type { Log } from '#platform/log'
import type { GatewayLimits } from '../gateway-limits.ts'
import { createCanaryMemory } from './canary-memory.ts'
import { EndpointMaker } from './endpoint-maker.ts'
import type { FunctionCredentials } from './function-dialect.ts'
import { HostLookup } from './host-lookup.ts'
import { createUpstreamMetrics, type UpstreamMetrics } from './upstream-metrics.ts'
import { Upstreams } from './upstreams.ts'

/** @public */
export type UpstreamOptions = {
  /** CA certificates (PEM) that upstream certificates may come from, beside those that the platform trusts */
  ca?: string | undefined
  /** what functions are invoked with */
  credentials?: FunctionCredentials | undefined
  /** addresses that must not be reached from here, whatever a document says */
  forbidden?: readonly string[] | undefined
  /** where this platform serves APIs of its own for the environment; without it they have no upstream */
  platformUrl?: string | undefined
  /** where rolled back canaries are remembered; without it they are tried again after a restart */
  canaryFolder?: string | undefined
}

/** @public */
export function createUpstreams(options: {
  environment: Environment
  simulator?: { url: string } | undefined
  upstreams?: UpstreamOptions
  registry: Registry
  log: Log
  clock: Clock
  limits: GatewayLimits
  monotonicMs: () => number
}): { upstreams: Upstreams; upstreamMetrics: UpstreamMetrics } {
  const { environment, registry, log, clock, limits, monotonicMs } = options
  const { ca, credentials, platformUrl, forbidden = [], canaryFolder } = options.upstreams ?? {}
  const nowMs = (): number => clock.now().getTime()
  const metrics = createUpstreamMetrics(registry, { served: () => upstreams.all(), monotonicMs })
  const maker = new EndpointMaker(
    {
      environment,
      // By construction: production cannot name the simulated operator, whatever a document says.
      simulator: environment === 'sandbox' ? options.simulator : undefined,
      ...{ forbidden, credentials, ca, platformUrl, nowMs, monotonicMs },
      lookup: new HostLookup(lookup, monotonicMs).lookup,
      connections: limits.inFlightPerUpstream,
      responseBytes: limits.responseBytes,
    },
    metrics,
  )
  const upstreams: Upstreams = new Upstreams({
    ...{ maker, metrics, log, nowMs, monotonicMs },
    memory: createCanaryMemory(canaryFolder, log),
    random: () => randomInt(4_294_967_296) / 4_294_967_296,
  })
  return { upstreams, upstreamMetrics: metrics }
}
