import { type Static, Type } from 'typebox'

export const Tier = Type.Union([
  Type.Literal('free'),
  Type.Literal('paid'),
  Type.Literal('enterprise'),
])
export type Tier = Static<typeof Tier>

const Rate = Type.Object({ limit: Type.Integer(), windowSeconds: Type.Integer() })
const Quota = Type.Object({
  limit: Type.Integer(),
  period: Type.Union([Type.Literal('day'), Type.Literal('month')]),
})

/** Prices are decimal strings in the operator's currency, per billable call. */
export const Plan = Type.Object({
  id: Type.String(),
  name: Type.String(),
  tier: Tier,
  currency: Type.String(),
  rate: Type.Array(Rate),
  quota: Type.Optional(Quota),
  sla: Type.Object({ availability: Type.String(), latencyMs: Type.Integer() }),
  prices: Type.Array(
    Type.Object({
      apiId: Type.String(),
      priceId: Type.String(),
      unit: Type.String(),
      list: Type.String(),
    }),
  ),
})
export type Plan = Static<typeof Plan>

export const Contract = Type.Object({
  id: Type.String(),
  partnerId: Type.String(),
  planId: Type.String(),
  tier: Tier,
  environment: Type.Union([Type.Literal('sandbox'), Type.Literal('production')]),
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended'), Type.Literal('ended')]),
  timeZone: Type.String(),
  startsAt: Type.String({ format: 'date-time' }),
})
export type Contract = Static<typeof Contract>

export const Subscription = Type.Object({
  id: Type.String(),
  applicationId: Type.String(),
  contractId: Type.String(),
  apiId: Type.String(),
  scopes: Type.Array(Type.String()),
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended')]),
  createdAt: Type.String({ format: 'date-time' }),
})
export type Subscription = Static<typeof Subscription>
