import { type Static, Type } from 'typebox'

const Environment = Type.Union([Type.Literal('sandbox'), Type.Literal('production')])

/** Amounts are decimal strings in `currency`, exact: rounding happens once, on an invoice line. */
export const UsageRow = Type.Object({
  day: Type.String({ format: 'date' }),
  environment: Environment,
  applicationId: Type.String(),
  apiId: Type.String(),
  operationId: Type.String(),
  status: Type.Integer(),
  calls: Type.Integer(),
  units: Type.Integer(),
  /** what the contract's price makes of the units */
  amount: Type.String(),
  /** what the same units cost on the paid plan: what a free call would have cost */
  listAmount: Type.String(),
  currency: Type.String(),
})
export type UsageRow = Static<typeof UsageRow>

export const Usage = Type.Object({
  from: Type.String({ format: 'date' }),
  to: Type.String({ format: 'date' }),
  /** exchanges up to this moment are in the figures */
  freshUntil: Type.Optional(Type.String({ format: 'date-time' })),
  total: Type.Object({
    calls: Type.Integer(),
    units: Type.Integer(),
    amount: Type.String(),
    listAmount: Type.String(),
    currency: Type.String(),
  }),
  /** of the days: an IANA name */
  timeZone: Type.String(),
  /** calls that would be billed and name no price version that is known: never dropped, and listed until they are */
  unrated: Type.Object({ calls: Type.Integer(), units: Type.Integer() }),
  rows: Type.Array(UsageRow),
  /** true when there are more rows than are shown; the total counts them all */
  truncated: Type.Boolean(),
})
export type Usage = Static<typeof Usage>

/** What one partner calls of an API version. */
export const VersionUsage = Type.Object({
  partnerId: Type.String(),
  environment: Environment,
  /** how many of its applications call */
  applications: Type.Integer(),
  calls: Type.Integer(),
  units: Type.Integer(),
  /** the beginning of the quarter of an hour of the last call */
  lastUsedAt: Type.String({ format: 'date-time' }),
})
export type VersionUsage = Static<typeof VersionUsage>

export const Exchange = Type.Object({
  id: Type.String(),
  correlator: Type.String(),
  at: Type.String({ format: 'date-time' }),
  environment: Environment,
  partnerId: Type.Optional(Type.String()),
  applicationId: Type.Optional(Type.String()),
  contractId: Type.Optional(Type.String()),
  apiId: Type.Optional(Type.String()),
  operationId: Type.Optional(Type.String()),
  method: Type.String(),
  status: Type.Integer(),
  code: Type.Optional(Type.String()),
  refusedBy: Type.Optional(Type.String()),
  upstreamStatus: Type.Optional(Type.Integer()),
  totalMs: Type.Number(),
  upstreamMs: Type.Optional(Type.Number()),
  units: Type.Integer(),
  priceId: Type.Optional(Type.String()),
  unitPrice: Type.Optional(Type.String()),
  currency: Type.Optional(Type.String()),
  requestBytes: Type.Integer(),
  responseBytes: Type.Integer(),
  tier: Type.Optional(Type.String()),
  /** how the caller showed who it is, and which credential that was */
  credential: Type.Optional(Type.String()),
  credentialId: Type.Optional(Type.String()),
  /** what the call was bound to besides: `certificate` or `dpop` */
  bound: Type.Optional(Type.String()),
  /** W3C trace id */
  traceId: Type.Optional(Type.String()),
  /** what an Idempotency-Key did: `kept` or `replayed` */
  idempotency: Type.Optional(Type.String()),
  /** paths of the response fields that were masked or removed */
  masked: Type.Optional(Type.Array(Type.String())),
  /** on what a call about a person rested */
  legal: Type.Optional(
    Type.Object({
      /** `contract`, `legitimate-interest` or `consent` */
      basis: Type.String(),
      /** `dpv:…` */
      purpose: Type.Optional(Type.String()),
      /** the scopes of the token that this basis is for */
      scopes: Type.Optional(Type.Array(Type.String())),
      consents: Type.Optional(Type.Array(Type.String())),
      grant: Type.Optional(Type.String()),
    }),
  ),
  /** for operators: where it was served */
  upstream: Type.Optional(Type.String()),
  /** for operators: why the platform or an upstream failed */
  reason: Type.Optional(Type.String()),
  /** for operators: keyed pseudonym of the subscriber */
  subject: Type.Optional(Type.String()),
  /** for operators: whether undeclared fields were taken out of the response */
  stripped: Type.Optional(Type.Boolean()),
  /** for operators: whether the response passed although its document does not allow it */
  undocumented: Type.Optional(Type.Boolean()),
})
export type Exchange = Static<typeof Exchange>

/** Who has to do something about a call that failed, and what. */
export const Failure = Type.Object({
  owner: Type.Union([
    Type.Literal('caller'),
    Type.Literal('platform'),
    Type.Literal('upstream'),
    Type.Literal('nobody'),
  ]),
  /** the team behind the API, when the upstream failed; its contact is for operators */
  team: Type.Optional(Type.String()),
  contact: Type.Optional(Type.String()),
  /** what the code means, whether to repeat, and what the rule that refused looks at */
  meaning: Type.String(),
  retry: Type.Union([Type.Literal('no'), Type.Literal('yes'), Type.Literal('later')]),
  rule: Type.Optional(Type.String()),
  /** for operators: what happened behind the gateway */
  cause: Type.Optional(Type.String()),
  /** path of the page on the portal that explains the code */
  documentation: Type.Optional(Type.String()),
})
export type Failure = Static<typeof Failure>

export const ExchangeDetail = Type.Object({
  ...Exchange.properties,
  countedAt: Type.String({ format: 'date-time' }),
  /** for operators: which gateway served it */
  gatewayId: Type.Optional(Type.String()),
  api: Type.Optional(
    Type.Object({
      title: Type.String(),
      team: Type.String(),
      contact: Type.Optional(Type.String()),
    }),
  ),
  failure: Type.Optional(Failure),
  /** where the trace can be seen, when the operator has said where its traces are */
  traceUrl: Type.Optional(Type.String()),
})
export type ExchangeDetail = Static<typeof ExchangeDetail>
