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

const closed = { additionalProperties: false }
const Reference = Type.String({ minLength: 1, maxLength: 160, pattern: '^[\\w:./-]+$' })
const Timestamp = Type.String({ format: 'date-time' })
const EnvironmentName = Type.Union([Type.Literal('sandbox'), Type.Literal('production')])
const Sort = Type.Union([Type.Literal('exchange'), Type.Literal('event'), Type.Literal('action')])

/** The number is only hashed: it is neither stored nor written anywhere. */
export const EvidenceSearch = Type.Object(
  {
    /** calls, what happened to consents and the like, and what people and the platform did (all) */
    of: Type.Optional(Type.Array(Sort, { minItems: 1, maxItems: 3 })),
    /** the last 30 days unless said otherwise; at most 400 days */
    from: Type.Optional(Timestamp),
    to: Type.Optional(Timestamp),
    environment: Type.Optional(EnvironmentName),
    partnerId: Type.Optional(Reference),
    applicationId: Type.Optional(Reference),
    /** `device-location/v2` */
    apiId: Type.Optional(Reference),
    /** `dpv:FraudPreventionAndDetection` */
    purpose: Type.Optional(Reference),
    /** `contract`, `legitimate-interest` or `consent` */
    basis: Type.Optional(Reference),
    /** with `environment` */
    phoneNumber: Type.Optional(
      Type.String({
        pattern: '^\\+[1-9][0-9]{4,14}$',
        must: 'must be a number in international format, such as +99010000001',
      }),
    ),
    /** `next` of the page before */
    cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 400, pattern: '^[\\w-]+$' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 50 })),
  },
  closed,
)
export type EvidenceSearch = Static<typeof EvidenceSearch>

/** One thing that there is evidence of. */
export const EvidenceItem = Type.Object({
  sort: Sort,
  /** of an exchange, an event or an action */
  id: Type.String(),
  at: Timestamp,
  /** what it is, in a few words: the API that was called, what became of a consent, what was done */
  what: Type.String(),
  /** what it is about: a consent, the target of an action */
  about: Type.Optional(Type.String()),
  by: Type.Optional(Type.String()),
  environment: Type.Optional(EnvironmentName),
  partnerId: Type.Optional(Type.String()),
  applicationId: Type.Optional(Type.String()),
  basis: Type.Optional(Type.String()),
  purpose: Type.Optional(Type.String()),
  /** place in the log, of what is a leaf of its own */
  position: Type.Optional(Type.Integer()),
})
export type EvidenceItem = Static<typeof EvidenceItem>

export const EvidencePage = Type.Object({
  items: Type.Array(EvidenceItem),
  /** cursor of the next page; absent on the last one */
  next: Type.Optional(Type.String()),
})
export type EvidencePage = Static<typeof EvidencePage>

/** How the log stands. */
export const EvidenceStatus = Type.Object({
  leaves: Type.Integer(),
  newest: Type.Optional(
    Type.Object({
      size: Type.Integer(),
      /** hexadecimal */
      root: Type.String(),
      signedAt: Timestamp,
      /** C2SP tlog-checkpoint */
      note: Type.String(),
      /** as C2SP signed-note writes it */
      key: Type.String(),
    }),
  ),
  /** present while the log is not what was signed or exported: nothing is signed then */
  contradiction: Type.Optional(Type.String()),
  sinks: Type.Array(
    Type.Object({
      name: Type.String(),
      exported: Type.Integer(),
      owed: Type.Integer(),
      owedSince: Type.Optional(Timestamp),
      fault: Type.Optional(Type.String()),
    }),
  ),
})
export type EvidenceStatus = Static<typeof EvidenceStatus>

/** Why it happened, for people. */
export const EvidenceStory = Type.Object({
  title: Type.String(),
  /** the answer, in whole sentences */
  sentence: Type.String(),
  sections: Type.Array(
    Type.Object({
      title: Type.String(),
      facts: Type.Array(Type.Object({ label: Type.String(), value: Type.String() })),
      quote: Type.Optional(Type.String()),
    }),
  ),
})
export type EvidenceStory = Static<typeof EvidenceStory>

/** Somebody who asked to be forgotten; nothing here says who it was. */
export const Erasure = Type.Object({
  id: Type.String(),
  state: Type.Union([
    Type.Literal('asked'),
    Type.Literal('done'),
    Type.Literal('cancelled'),
    Type.Literal('expired'),
  ]),
  reason: Type.String(),
  askedBy: Type.String(),
  askedAt: Type.String({ format: 'date-time' }),
  /** when it must have been confirmed */
  expiresAt: Type.String({ format: 'date-time' }),
  decidedBy: Type.Optional(Type.String()),
  decidedAt: Type.Optional(Type.String({ format: 'date-time' })),
  /** how many rows of each table were erased */
  erased: Type.Optional(Type.Record(Type.String(), Type.Integer())),
})
export type Erasure = Static<typeof Erasure>

export const NewErasure = Type.Object(
  {
    phoneNumber: Type.String({
      pattern: '^\\+[1-9][0-9]{4,14}$',
      must: 'must be a number in international format, such as +99010000001',
    }),
    /** why, for example the number of a letter; no number of a person */
    reason: Type.String({ minLength: 3, maxLength: 300, pattern: '^[^\\u0000]*$' }),
  },
  { additionalProperties: false },
)
export type NewErasure = Static<typeof NewErasure>
