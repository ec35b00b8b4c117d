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
const closed = { additionalProperties: false }
const most = 1_000_000
const Count = Type.Integer({ minimum: 1, maximum: most })
const Rate = Type.Object(
  { limit: Count, windowSeconds: Type.Integer({ minimum: 1, maximum: 86_400 }) },
  closed,
)
const Quota = Type.Object(
  {
    limit: Type.Integer({ minimum: 1, maximum: 1_000_000_000 }),
    period: Type.Union([Type.Literal('day'), Type.Literal('month')]),
  },
  closed,
)
/** At most `limit` calls in any stretch of so many milliseconds. */
const Spike = Type.Object(
  { limit: Count, windowMs: Type.Integer({ minimum: 100, maximum: 10_000 }) },
  closed,
)

const limits = {
  rate: Type.Array(Rate, { minItems: 1, maxItems: 4 }),
  quota: Type.Optional(Quota),
  spike: Type.Optional(Spike),
  /** calls that may be under way at the same moment */
  concurrency: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
}

/** Limits that were agreed for one contract; what is left out is not limited. */
export const NewLimits = Type.Object(limits, closed)
export type NewLimits = Static<typeof NewLimits>

/** The limits of a contract, and whether they are its own or its plan's. */
export const ContractLimits = Type.Object({
  ...limits,
  rate: Type.Array(Rate),
  source: Type.Union([Type.Literal('plan'), Type.Literal('contract')]),
})
export type ContractLimits = Static<typeof ContractLimits>

/** `apiId` is an API version, or `*` for every API that has the field. */
export const ContractMask = Type.Object(
  {
    apiId: Type.String({ maxLength: 160, pattern: '^(\\*|[\\w.-]+/[\\w.-]+)$' }),
    field: Type.String({ minLength: 1, maxLength: 200, pattern: '^[^\\u0000]*$' }),
    action: Type.Union([
      Type.Literal('remove'),
      Type.Literal('mask'),
      Type.Literal('hash'),
      Type.Literal('coarsen'),
      Type.Literal('pass'),
    ]),
    /** metres of the grid that a location is rounded to; 1 000 when absent */
    gridMetres: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  },
  closed,
)
export type ContractMask = Static<typeof ContractMask>

export const ContractMasks = Type.Object({ masks: Type.Array(ContractMask) })
export const NewContractMasks = Type.Object(
  { masks: Type.Array(ContractMask, { maxItems: 200 }) },
  closed,
)

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
  ...limits,
  rate: Type.Array(Rate),
  /** limits of a sandbox contract */
  sandbox: Type.Object({ ...limits, rate: Type.Array(Rate) }),
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

/** That so many per cent of a quota are used. Gateways lease ahead of the calls: a warning may come up to 2 % early. */
const QuotaWarning = Type.Object({
  /** the month or day, in the contract's time zone: `2026-03`, `2026-03-09` */
  period: Type.String(),
  percent: Type.Integer(),
  quota: Type.Integer(),
  at: Timestamp,
})
export type QuotaWarning = Static<typeof QuotaWarning>

export const Contract = Type.Object({
  id: Type.String(),
  partnerId: Type.String(),
  planId: Type.String(),
  tier: Tier,
  environment: Environment,
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended'), Type.Literal('ended')]),
  timeZone: Type.String(),
  startsAt: Timestamp,
  limits: ContractLimits,
  /** what is done to response fields for this partner, before what the products say of them */
  masks: Type.Array(ContractMask),
  agreementId: Type.Optional(Type.String()),
  endedAt: Type.Optional(Timestamp),
  suspension: Type.Optional(Type.Object({ reason: Type.String(), since: Timestamp })),
  /** the last ones, newest first */
  quotaWarnings: Type.Array(QuotaWarning),
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
