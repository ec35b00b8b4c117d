import { type Static, Type } from 'typebox'
import { shownName } from '#platform/shown-name'
import type { Permission } from './permissions.ts'
import { Email, LinkToken, OperatorRole, PartnerRole, strict, Timestamp } from './schema-parts.ts'

export { OperatorRole, PartnerRole }

const Password = Type.String({ minLength: 12, maxLength: 128 })
const Name = Type.String({ minLength: 1, maxLength: 120, ...shownName })
/** An id in an address: a text that can be looked up. */
export const PathId = Type.String({ maxLength: 64, pattern: '^[^\\u0000]*$' })

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

/** @public */
export type PermissionName = Permission

const RoleName = Type.String()

export const RoleTable = Type.Object({
  partner: Type.Array(Type.Object({ role: RoleName, description: Type.String() })),
  operator: Type.Array(Type.Object({ role: RoleName, description: Type.String() })),
  permissions: Type.Array(
    Type.Object({
      name: Type.String(),
      /** what one may do with it, after "may" */
      title: Type.String(),
      partner: Type.Array(RoleName),
      operator: Type.Array(RoleName),
      /** whether a person has to prove to be there */
      stepUp: Type.Boolean(),
      /** whether an API token may have it */
      token: Type.Boolean(),
    }),
  ),
})
export type RoleTable = Static<typeof RoleTable>

export const Session = Type.Object({
  kind: Type.Union([Type.Literal('partner'), Type.Literal('operator')]),
  id: Type.String(),
  name: Type.String(),
  email: Type.Optional(Type.String()),
  emailVerified: Type.Boolean(),
  role: Type.String(),
  /** what the caller may do: the names of `GET /roles` that it has */
  permissions: Type.Array(Type.Unsafe<Permission>({ type: 'string' })),
  partnerId: Type.Optional(Type.String()),
  via: Type.Union([Type.Literal('session'), Type.Literal('token')]),
  /** where the identity provider that the session came from ends its own */
  signOutUrl: Type.Optional(Type.String()),
  /** of a person: whether it has a passkey or an authenticator app, or must have one before anything else */
  secondFactor: Type.Optional(
    Type.Union([Type.Literal('present'), Type.Literal('absent'), Type.Literal('required')]),
  ),
})
export type Session = Static<typeof Session>

export const Member = Type.Object({
  id: Type.String(),
  /** empty until an invitation is accepted */
  name: Type.String(),
  /** for those with `member-email.read` */
  email: Type.Optional(Type.String()),
  role: PartnerRole,
  emailVerified: Type.Boolean(),
  state: Type.Union([Type.Literal('active'), Type.Literal('invited')]),
  createdAt: Timestamp,
  /** of somebody active, for those with `member-sign-in.read`; without a time it was at sign-up only */
  lastSignInAt: Type.Optional(Timestamp),
  /** the same: whether there is a passkey or an authenticator app */
  secondFactor: Type.Optional(Type.Boolean()),
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
  /** empty until an invitation is accepted */
  name: Type.String(),
  email: Type.String(),
  role: OperatorRole,
  state: Type.Union([Type.Literal('active'), Type.Literal('invited')]),
  createdAt: Timestamp,
})
export type Operator = Static<typeof Operator>

export const NewOperator = Type.Object({ email: Email, role: OperatorRole }, strict)
export type NewOperator = Static<typeof NewOperator>

export const OperatorChange = Type.Object({ role: OperatorRole }, strict)
export type OperatorChange = Static<typeof OperatorChange>

const Scopes = Type.Array(Type.String({ maxLength: 60 }), { maxItems: 200, uniqueItems: true })

/** Without `scopes` it may do whatever its maker may. */
export const NewToken = Type.Object(
  {
    name: Name,
    scopes: Type.Optional(Scopes),
    expiresInDays: Type.Optional(Type.Integer({ minimum: 1, maximum: 365 })),
  },
  strict,
)
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
  /** names of permissions; without them whatever its maker may do */
  scopes: Type.Optional(Type.Array(Type.String())),
  expiresAt: Type.Optional(Timestamp),
})
export type ApiToken = Static<typeof ApiToken>

/** `token` is shown once, in this answer. */
export const NewTokenResult = Type.Intersect([ApiToken, Type.Object({ token: Type.String() })])
export type NewTokenResult = Static<typeof NewTokenResult>

export {
  Factors,
  NewPasskey,
  NewPasskeyResult,
  NewRecoveryCodes,
  Passkey,
  PasskeyAssertion,
  PasskeyAttestation,
  PasskeyChange,
  PasskeyOptions,
  PasskeySignIn,
  SecondFactor,
  SecondFactorNeeded,
  SignedInDevice,
  StepUp,
  type StepUpMethod,
  StepUpState,
  TotpConfirmation,
  TotpConfirmed,
  TotpEnrolment,
} from './factor-schema.ts'
export type {
  EmailDomain,
  OperatorSso,
  PartnerSso,
  ProviderSetup,
  SsoBeginning,
} from './sso-schema.ts'
