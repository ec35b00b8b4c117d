import { type Static, Type } from 'typebox'
import { shownName } from '#platform/shown-name'

const Environment = Type.Union([Type.Literal('sandbox'), Type.Literal('production')])
const Timestamp = Type.String({ format: 'date-time' })
const Name = Type.String({ minLength: 1, maxLength: 120, ...shownName })

export const Requirement = Type.Object({
  id: Type.String(),
  title: Type.String(),
  done: Type.Boolean(),
})
export type Requirement = Static<typeof Requirement>

export const Partner = Type.Object({
  id: Type.String(),
  name: Type.String(),
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended')]),
  /** what the operator wrote when it suspended the partner */
  suspendedReason: Type.Optional(Type.String()),
  createdAt: Timestamp,
  /** What production still needs; the sandbox needs nothing. */
  production: Type.Object({ ready: Type.Boolean(), requirements: Type.Array(Requirement) }),
})
export type Partner = Static<typeof Partner>

export const NewApplication = Type.Object(
  {
    name: Name,
    environment: Environment,
    partnerId: Type.Optional(Type.String()),
  },
  {
    additionalProperties: false,
    description:
      'A partner may have as many applications as the operator sets, 50 unless it says otherwise: one more is refused with 409. Deleted ones do not count.',
  },
)
export type NewApplication = Static<typeof NewApplication>

export const Application = Type.Object({
  id: Type.String(),
  partnerId: Type.String(),
  name: Type.String(),
  environment: Environment,
  clientId: Type.String(),
  state: Type.Union([Type.Literal('active'), Type.Literal('suspended')]),
  createdAt: Timestamp,
})
export type Application = Static<typeof Application>

export const Credential = Type.Object({
  id: Type.String(),
  type: Type.Union([
    Type.Literal('client_secret'),
    Type.Literal('public_key'),
    Type.Literal('api_key'),
    Type.Literal('client_certificate'),
  ]),
  /** the first characters of a secret or API key, the `kid` of a public key, the name in a certificate */
  hint: Type.String(),
  /** of a certificate: SHA-256 of it, base64url (RFC 8705, `x5t#S256`) */
  thumbprint: Type.Optional(Type.String()),
  /** of a certificate of the operator's CA: the name that it must have */
  subjectAlternativeName: Type.Optional(Type.String()),
  /** when it ends by itself */
  expiresAt: Type.Optional(Timestamp),
  createdAt: Timestamp,
})
export type Credential = Static<typeof Credential>

export const ApplicationChange = Type.Object({ name: Name }, { additionalProperties: false })
export type ApplicationChange = Static<typeof ApplicationChange>

export const NewCredential = Type.Union([
  Type.Object({ type: Type.Literal('client_secret') }, { additionalProperties: false }),
  Type.Object(
    { type: Type.Literal('public_key'), jwk: Type.Record(Type.String(), Type.Unknown()) },
    { additionalProperties: false },
  ),
  Type.Object({ type: Type.Literal('api_key') }, { additionalProperties: false }),
  Type.Object(
    {
      type: Type.Literal('client_certificate'),
      /** one certificate, PEM; self-signed is fine */
      certificate: Type.Optional(Type.String({ maxLength: 16_384 })),
      /** instead: a name in certificates of the operator's CA, `DNS:api.bank.example` or `URI:…` */
      subjectAlternativeName: Type.Optional(Type.String({ maxLength: 512 })),
    },
    { additionalProperties: false },
  ),
])
export type NewCredential = Static<typeof NewCredential>

/** A secret or API key is shown once, in this answer. */
export const NewCredentialResult = Type.Intersect([
  Credential,
  Type.Object({
    clientId: Type.String(),
    clientSecret: Type.Optional(Type.String()),
    apiKey: Type.Optional(Type.String()),
  }),
])

export const FirstCall = Type.Object({
  tokenUrl: Type.String(),
  url: Type.String(),
  curl: Type.String(),
})
export type FirstCall = Static<typeof FirstCall>

export const Registration = Type.Object({
  partner: Type.Object({ id: Type.String() }),
  member: Type.Object({ id: Type.String() }),
  application: Type.Object({ id: Type.String(), environment: Type.Literal('sandbox') }),
  credentials: Type.Object({ clientId: Type.String(), clientSecret: Type.String() }),
  firstCall: FirstCall,
})
export type Registration = Static<typeof Registration>

export type { AuthorizationSettings } from './authorization-schema.ts'
