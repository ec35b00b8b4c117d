import { type Static, Type } from 'typebox'

const closed = { additionalProperties: false }
const Timestamp = Type.String({ format: 'date-time' })
const Environment = Type.Union([Type.Literal('sandbox'), Type.Literal('production')])
/** PostgreSQL cannot store a NUL, and no identifier has one. */
const Reference = Type.String({ maxLength: 64, pattern: '^[\\w-]+$' })
const Purpose = Type.String({ maxLength: 100, pattern: '^dpv:[A-Za-z0-9]+$' })

export const ConsentStateName = Type.Union([
  Type.Literal('PENDING'),
  Type.Literal('REQUESTED'),
  Type.Literal('GRANTED'),
  Type.Literal('DENIED'),
  Type.Literal('WITHDRAWN'),
  Type.Literal('EXPIRED'),
  Type.Literal('OBJECTED'),
])

/** One consent or objection, as the operator sees it: the subscriber is a pseudonym. */
export const Consent = Type.Object({
  id: Type.String(),
  environment: Environment,
  subject: Type.String(),
  application: Type.Object({ id: Type.String(), name: Type.String() }),
  partner: Type.Object({ id: Type.String(), name: Type.String() }),
  purpose: Type.String(),
  scopes: Type.Array(Type.String()),
  basis: Type.Union([Type.Literal('consent'), Type.Literal('legitimate-interest')]),
  state: ConsentStateName,
  createdAt: Timestamp,
  changedAt: Timestamp,
  grantedAt: Type.Optional(Timestamp),
  expiresAt: Type.Optional(Timestamp),
  lastUsedAt: Type.Optional(Timestamp),
  textHash: Type.Optional(Type.String()),
  locale: Type.Optional(Type.String()),
})
export type Consent = Static<typeof Consent>

/** The number is only hashed: it is neither stored nor written anywhere. */
export const ConsentSearch = Type.Object(
  {
    environment: Environment,
    phoneNumber: Type.Optional(
      Type.String({
        pattern: '^\\+[1-9][0-9]{4,14}$',
        must: 'must be a number in international format, such as +99010000001',
      }),
    ),
    partnerId: Type.Optional(Reference),
    applicationId: Type.Optional(Reference),
    purpose: Type.Optional(Purpose),
    state: Type.Optional(ConsentStateName),
  },
  closed,
)
export type ConsentSearch = Static<typeof ConsentSearch>

const Notice = Type.Object({
  hash: Type.String(),
  locale: Type.String(),
  /** the very text that was hashed: JSON with its members in order */
  content: Type.String(),
})

/** A consent record by the fields of ISO/IEC TS 27560:2023. */
export const ConsentRecordExport = Type.Object({
  schemaVersion: Type.Literal('ISO/IEC TS 27560:2023'),
  recordId: Type.String(),
  piiPrincipalId: Type.String(),
  privacyNotices: Type.Array(Notice),
  piiControllers: Type.Array(
    Type.Object({ name: Type.String(), role: Type.String(), id: Type.Optional(Type.String()) }),
  ),
  processing: Type.Object({
    purposes: Type.Array(
      Type.Object({
        purpose: Type.String(),
        lawfulBasis: Type.String(),
        piiInformation: Type.Array(Type.Object({ category: Type.String() })),
        recipients: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
        collectionMethod: Type.String(),
        processingMethod: Type.String(),
        storageLocations: Type.Array(Type.String()),
        jurisdictions: Type.Array(Type.String()),
        retentionPeriod: Type.String(),
      }),
    ),
  }),
  events: Type.Array(
    Type.Object({
      eventTime: Timestamp,
      eventState: ConsentStateName,
      previousState: Type.Optional(ConsentStateName),
      entity: Type.String(),
      entityId: Type.Optional(Type.String()),
      channel: Type.String(),
      method: Type.Optional(Type.String()),
      reason: Type.Optional(Type.String()),
      noticeHash: Type.Optional(Type.String()),
      noticeLocale: Type.Optional(Type.String()),
    }),
  ),
  validity: Type.Object({ from: Type.Optional(Timestamp), until: Type.Optional(Timestamp) }),
  environment: Environment,
  state: ConsentStateName,
})
export type ConsentRecordExport = Static<typeof ConsentRecordExport>

export const Withdrawal = Type.Object(
  { reason: Type.String({ minLength: 1, maxLength: 500, pattern: '^[^\\u0000]*$' }) },
  closed,
)

const ShortText = Type.String({ minLength: 1, maxLength: 300, pattern: '^[^\\u0000-\\u001f]*$' })
const words = [
  'title',
  'who',
  'untilWithdrawn',
  'forDays',
  'withdrawal',
  'otherPurpose',
  'otherScope',
  'allow',
  'refuse',
  'sms',
] as const

/** An operator's own words in one language: as much as it likes. What is left out stays as it comes with the product. */
export const LanguageWords = Type.Object(
  {
    words: Type.Optional(
      Type.Object(
        Object.fromEntries(words.map((name) => [name, Type.Optional(ShortText)])),
        closed,
      ),
    ),
    purposes: Type.Optional(
      Type.Record(
        Type.String({ maxLength: 100, pattern: '^dpv:[A-Za-z0-9]+$' }),
        Type.Object({ label: ShortText, explanation: ShortText }, closed),
        { maxProperties: 200, ...closed },
      ),
    ),
    scopes: Type.Optional(
      Type.Record(Type.String({ maxLength: 200, pattern: '^[\\w.:-]+$' }), ShortText, {
        maxProperties: 1_000,
        ...closed,
      }),
    ),
  },
  closed,
)
export type LanguageWords = Static<typeof LanguageWords>

export const Locale = Type.String({
  pattern: '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$',
})

/** A language in which subscribers can be asked. */
export const ConsentLanguage = Type.Object({
  locale: Type.String(),
  /** whether it comes with the product */
  builtIn: Type.Boolean(),
  words: Type.Record(Type.String(), Type.String()),
  purposes: Type.Record(
    Type.String(),
    Type.Object({ label: Type.String(), explanation: Type.String() }),
  ),
  scopes: Type.Record(Type.String(), Type.String()),
  /** the operator's own version of it, when there is one */
  own: Type.Optional(
    Type.Object({ hash: Type.String(), madeBy: Type.String(), madeAt: Timestamp }),
  ),
})
export type ConsentLanguage = Static<typeof ConsentLanguage>

/** How many subscribers said what to an application: no subscriber is in it. */
export const ConsentCount = Type.Object({
  environment: Environment,
  application: Type.Object({ id: Type.String(), name: Type.String() }),
  purpose: Type.String(),
  state: ConsentStateName,
  count: Type.Integer(),
})
export type ConsentCount = Static<typeof ConsentCount>
