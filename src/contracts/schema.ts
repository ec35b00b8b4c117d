import { type Static, Type } from 'typebox'

export const Tier = Type.Union([
  Type.Literal('free'),
  Type.Literal('paid'),
  Type.Literal('enterprise'),
])
export type Tier = Static<typeof Tier>

/** PostgreSQL cannot store a NUL, and no identifier has one. */
export const Reference = Type.String({ maxLength: 160, pattern: '^[\\w./*:-]*$' })
const Timestamp = Type.String({ format: 'date-time' })
const Environment = Type.Union([Type.Literal('sandbox'), Type.Literal('production')])
const Rate = Type.Object({ limit: Type.Integer(), windowSeconds: Type.Integer() })
const Quota = Type.Object({
  limit: Type.Integer(),
  period: Type.Union([Type.Literal('day'), Type.Literal('month')]),
})

/** Availability in per cent of the month, latency added by the gateway (p95), and the credit when it was missed. */
const Sla = Type.Object({
  availability: Type.String(),
  latencyMs: Type.Integer(),
  support: Type.String(),
  credits: Type.Array(Type.Object({ below: Type.String(), percent: Type.Integer() })),
  maintenance: Type.Object({
    hoursPerMonth: Type.Optional(Type.Integer()),
    noticeHours: Type.Integer(),
  }),
})

/** Prices are decimal strings in the operator's currency, per billable call. */
export const Plan = Type.Object({
  id: Type.String(),
  name: Type.String(),
  tier: Tier,
  currency: Type.String(),
  /** whether a partner may choose it alone; otherwise the operator gives it */
  selfService: Type.Boolean(),
  /** limits of a production contract */
  rate: Type.Array(Rate),
  quota: Type.Optional(Quota),
  /** limits of a sandbox contract */
  sandbox: Type.Object({ rate: Type.Array(Rate), quota: Type.Optional(Quota) }),
  sla: Sla,
  /** `*` is the price of every API that has none of its own */
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
  environment: Environment,
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended'), Type.Literal('ended')]),
  timeZone: Type.String(),
  startsAt: Timestamp,
  agreementId: Type.Optional(Type.String()),
  endedAt: Type.Optional(Timestamp),
  suspension: Type.Optional(Type.Object({ reason: Type.String(), since: Timestamp })),
})
export type Contract = Static<typeof Contract>

/** A production contract; the sandbox's is made by itself. `timeZone` is an IANA name, UTC when absent. */
export const NewContract = Type.Object(
  {
    planId: Reference,
    agreementId: Reference,
    timeZone: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  },
  { additionalProperties: false },
)
export type NewContract = Static<typeof NewContract>

export const NewSuspension = Type.Object(
  { reason: Type.String({ minLength: 3, maxLength: 500, pattern: '^[^\\u0000]*\\S[^\\u0000]*$' }) },
  { additionalProperties: false },
)

export const PlanChange = Type.Object({ planId: Reference }, { additionalProperties: false })

export const Subscription = Type.Object({
  id: Type.String(),
  applicationId: Type.String(),
  contractId: Type.String(),
  partnerId: Type.String(),
  environment: Environment,
  /** `*` is every published API, also later ones: what a sandbox application has */
  apiId: Type.String(),
  scopes: Type.Array(Type.String()),
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended')]),
  createdAt: Timestamp,
})
export type Subscription = Static<typeof Subscription>

export const NewSubscription = Type.Object(
  {
    applicationId: Reference,
    /** production names an API: `*` is the sandbox's */
    apiId: Type.String({ maxLength: 160, pattern: '^[\\w.-]+/[\\w.-]+$' }),
  },
  { additionalProperties: false },
)
export type NewSubscription = Static<typeof NewSubscription>

/** One version of a text that binds a partner; `sha256` is of its UTF-8 bytes. */
export const Agreement = Type.Object({
  id: Type.String(),
  name: Type.String(),
  version: Type.Integer(),
  text: Type.String(),
  sha256: Type.String(),
  effectiveFrom: Timestamp,
  /** the version that a new contract needs */
  current: Type.Boolean(),
  /** when the caller's organisation accepted it */
  acceptedAt: Type.Optional(Timestamp),
})
export type Agreement = Static<typeof Agreement>

/** `sha256` of the text that was shown; when it is given and differs, nothing is accepted. */
export const NewAcceptance = Type.Union([
  Type.Object(
    { sha256: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })) },
    { additionalProperties: false },
  ),
  Type.Null(),
])

export const Acceptance = Type.Object({
  agreementId: Type.String(),
  partnerId: Type.String(),
  memberId: Type.String(),
  memberName: Type.String(),
  sha256: Type.String(),
  acceptedAt: Timestamp,
})
export type Acceptance = Static<typeof Acceptance>
