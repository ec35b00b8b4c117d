import { type Static, Type } from 'typebox'

/** One action of a person, a token or the platform itself; a member of a partner sees its own partner's. */
export const AuditEvent = Type.Object({
  id: Type.String(),
  sequence: Type.Integer(),
  /** when it was done, not when it was written into the chain */
  occurredAt: Type.String({ format: 'date-time' }),
  actor: Type.Object({
    kind: Type.Union([
      Type.Literal('anonymous'),
      Type.Literal('partner'),
      Type.Literal('operator'),
      Type.Literal('system'),
    ]),
    /** absent for `anonymous`, and for operator staff when a partner reads */
    id: Type.Optional(Type.String()),
    via: Type.Optional(Type.String()),
  }),
  partnerId: Type.Optional(Type.String()),
  action: Type.String(),
  target: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
  /** hexadecimal SHA-256 that covers this event and, through the one before it, all earlier ones */
  hash: Type.String(),
})
export type AuditEvent = Static<typeof AuditEvent>
