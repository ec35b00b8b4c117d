import { type Static, Type } from 'typebox'

const Environment = Type.Union([Type.Literal('sandbox'), Type.Literal('production')])
const text = Type.Optional(Type.String())

/** A call as a gateway wrote it down a moment ago. */
export const LiveCall = Type.Object({
  gatewayId: Type.String(),
  id: Type.String(),
  correlator: Type.String(),
  /** milliseconds since 1970, by the clock of the gateway */
  at: Type.Number(),
  environment: Environment,
  partnerId: text,
  applicationId: text,
  contractId: text,
  apiId: text,
  operationId: text,
  method: Type.String(),
  status: Type.Integer(),
  code: text,
  refusedBy: text,
  /** whether the answer passed although its document does not allow it */
  undocumented: Type.Optional(Type.Boolean()),
  reason: text,
  upstream: text,
  upstreamStatus: Type.Optional(Type.Integer()),
  tier: text,
  traceId: text,
  totalMs: Type.Number(),
  upstreamMs: Type.Optional(Type.Number()),
  units: Type.Integer(),
})
export type LiveCall = Static<typeof LiveCall>

/** How the stream reaches one gateway. */
export const LiveSource = Type.Object({
  gatewayId: Type.String(),
  environment: Environment,
  state: Type.Union([Type.Literal('connected'), Type.Literal('unreachable')]),
})
export type LiveSource = Static<typeof LiveSource>

/** Where a gateway process is with its snapshot, and what it says of its upstreams. */
export const GatewayStatus = Type.Object({
  environment: Environment,
  gatewayId: Type.String(),
  /** `gone` for one that has not been seen for some seconds */
  state: Type.Union([Type.Literal('live'), Type.Literal('gone')]),
  revision: Type.Integer(),
  /** revisions that it has yet to take over */
  behind: Type.Integer(),
  startedAt: Type.String({ format: 'date-time' }),
  seenAt: Type.String({ format: 'date-time' }),
})
export type GatewayStatus = Static<typeof GatewayStatus>

/** One place that an API is served from, as one gateway sees it. */
export type TargetState = {
  name: string
  side: string
  weight: number
  state: 'serving' | 'ejected' | 'unhealthy' | 'open' | 'half-open'
  backInSeconds: number
  inFlight: number
  /** of the last ten seconds */
  calls: number
  failures: number
}

export type CanaryState = {
  percent: number
  calls: number
  errorPercent: number
  stableErrorPercent?: number
  rolledBack?: { at: string } | null
}

export type ShadowState = {
  percent: number
  same: number
  different: number
  failed: number
  skipped: number
  differences: readonly {
    operation: string
    path: string
    kind: string
    count: number
    lastAt: string
  }[]
}

export type UpstreamState = {
  api: string
  owner: { team: string; contact: string }
  kind: 'http' | 'function' | 'simulated' | 'platform' | 'none'
  inFlight: number
  targets: readonly TargetState[]
  canary?: CanaryState
  shadow?: ShadowState
}

/** One way in which answers of an upstream depart from the published document. */
export type ViolationState = {
  api: string
  operation: string
  owner: { team: string; contact: string }
  status: number
  keyword: string
  /** where the rule is in the published document */
  schemaPath: string
  /** what is wrong, in words; gateways of an older version do not say it */
  message?: string
  action: 'passed' | 'stripped' | 'refused'
  count: number
  firstSeenAt: string
  lastSeenAt: string
}

/** What a gateway process says when it is asked. */
export const GatewayReport = Type.Object({
  gatewayId: Type.String(),
  environment: Environment,
  /** by API: targets with their health, breaker, canary and shadow */
  upstreams: Type.Array(Type.Unsafe<UpstreamState>({ type: 'object', additionalProperties: true })),
  /** how upstreams depart from their documents, with the owners of the APIs */
  violations: Type.Array(
    Type.Unsafe<ViolationState>({ type: 'object', additionalProperties: true }),
  ),
  /** why something is missing */
  fault: Type.Optional(Type.String()),
})
export type GatewayReport = Static<typeof GatewayReport>
