import { type Static, Type } from 'typebox'

/**
 * Who may call a route; every route of the management API declares it.
 * @public
 */
export type Access = 'public' | 'partner' | 'operator' | 'signed-in'

const strict = { additionalProperties: false }
const Timestamp = Type.String({ format: 'date-time' })

const Email = Type.String({ format: 'email', minLength: 3, maxLength: 254 })
const Password = Type.String({ minLength: 12, maxLength: 128 })
// Control characters have no place in a name, and PostgreSQL refuses to store NUL at all.
const Name = Type.String({
  minLength: 1,
  maxLength: 120,
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
})
/** An id in an address: any text that can be looked up. */
export const PathId = Type.String({ maxLength: 64, pattern: '^[^\\u0000]*$' })
const LinkToken = Type.String({ minLength: 1, maxLength: 200 })

export const NewRegistration = Type.Object(
  { organisation: Name, name: Name, email: Email, password: Password },
  strict,
)
export type NewRegistration = Static<typeof NewRegistration>

export const SignIn = Type.Object(
  {
    email: Type.String({ maxLength: 254, pattern: '^[^\\u0000]*$' }),
    password: Type.String({ maxLength: 128 }),
  },
  strict,
)
export type SignIn = Static<typeof SignIn>

export const PartnerRole = Type.Union([
  Type.Literal('owner'),
  Type.Literal('developer'),
  Type.Literal('finance'),
  Type.Literal('viewer'),
])
export type PartnerRole = Static<typeof PartnerRole>

export const OperatorRole = Type.Union([
  Type.Literal('administrator'),
  Type.Literal('engineer'),
  Type.Literal('product'),
  Type.Literal('partner-success'),
  Type.Literal('auditor'),
])
export type OperatorRole = Static<typeof OperatorRole>

export const Session = Type.Object({
  kind: Type.Union([Type.Literal('partner'), Type.Literal('operator')]),
  id: Type.String(),
  name: Type.String(),
  email: Type.Optional(Type.String()),
  emailVerified: Type.Boolean(),
  role: Type.String(),
  partnerId: Type.Optional(Type.String()),
  via: Type.Union([Type.Literal('session'), Type.Literal('token')]),
})
export type Session = Static<typeof Session>

export const Member = Type.Object({
  id: Type.String(),
  name: Type.String(),
  email: Type.String(),
  role: PartnerRole,
  emailVerified: Type.Boolean(),
  state: Type.Union([Type.Literal('active'), Type.Literal('invited')]),
  createdAt: Timestamp,
})
export type Member = Static<typeof Member>

export const NewMember = Type.Object({ email: Email, role: PartnerRole }, strict)
export type NewMember = Static<typeof NewMember>

export const MemberChange = Type.Object({ role: PartnerRole }, strict)
export type MemberChange = Static<typeof MemberChange>

export const InvitationAcceptance = Type.Object(
  { token: LinkToken, name: Name, password: Password },
  strict,
)
export type InvitationAcceptance = Static<typeof InvitationAcceptance>

export const RecoveryRequest = Type.Object({ email: Email }, strict)
export type RecoveryRequest = Static<typeof RecoveryRequest>

/** The same whether or not an account exists: what was asked for was taken note of, and mail may follow. */
export const MailAccepted = Type.Object({ message: Type.String() })
export type MailAccepted = Static<typeof MailAccepted>

export const PasswordReset = Type.Object({ token: LinkToken, password: Password }, strict)
export type PasswordReset = Static<typeof PasswordReset>

export const EmailConfirmation = Type.Object({ token: LinkToken }, strict)
export type EmailConfirmation = Static<typeof EmailConfirmation>

export const FirstOperator = Type.Object(
  { token: LinkToken, name: Name, email: Email, password: Password },
  strict,
)
export type FirstOperator = Static<typeof FirstOperator>

export const Operator = Type.Object({
  id: Type.String(),
  name: Type.String(),
  email: Type.String(),
  role: OperatorRole,
  createdAt: Timestamp,
})
export type Operator = Static<typeof Operator>

export const NewToken = Type.Object({ name: Name }, strict)
export type NewToken = Static<typeof NewToken>

export const ApiToken = Type.Object({
  id: Type.String(),
  name: Type.String(),
  kind: Type.Union([Type.Literal('partner'), Type.Literal('operator')]),
  partnerId: Type.Optional(Type.String()),
  /** the first characters of the secret, by which a person recognises it */
  hint: Type.String(),
  createdBy: Type.String(),
  createdAt: Timestamp,
  lastUsedAt: Type.Optional(Timestamp),
})
export type ApiToken = Static<typeof ApiToken>

/** `token` is shown once, in this answer. */
export const NewTokenResult = Type.Intersect([ApiToken, Type.Object({ token: Type.String() })])
export type NewTokenResult = Static<typeof NewTokenResult>
