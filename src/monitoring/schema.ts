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

/** What a gateway process says when it is asked. */
export const GatewayReport = Type.Object({
  gatewayId: Type.String(),
  environment: Environment,
  /** by API: targets with their health, breaker, canary and shadow; undefined when it did not answer */
  upstreams: Type.Optional(Type.Unknown()),
  /** how upstreams depart from their documents, with the owners of the APIs */
  violations: Type.Optional(Type.Unknown()),
  /** why something is missing */
  fault: Type.Optional(Type.String()),
})
export type GatewayReport = Static<typeof GatewayReport>
