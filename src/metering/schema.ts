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
})
export type Exchange = Static<typeof Exchange>
