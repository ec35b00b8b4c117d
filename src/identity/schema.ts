import { type Static, Type } from 'typebox'
import type { Permission } from './permissions.ts'
import {
  Email,
  OperatorRole,
  PartnerRole,
  strict,
  Timestamp,
  unconfirmedDays,
} from './schema-parts.ts'

export { OperatorRole, PartnerRole, unconfirmedDays }

const Password = Type.String({ minLength: 12, maxLength: 128 })
// Control characters have no place in a name, and PostgreSQL refuses to store NUL at all.
const Name = Type.String({
  minLength: 1,
  maxLength: 120,
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
})
/** An id in an address: a text that can be looked up. */
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

// What follows is about factors and sessions of the person who asks.

const RecoveryCodes = Type.Array(Type.String())
const Base64Url = (maxLength: number) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[A-Za-z0-9_-]+$' })

/** Of an authenticator app or from paper, with the spaces and dashes that people type. */
const TypedCode = Type.String({ minLength: 1, maxLength: 40, pattern: '^[0-9A-Za-z\\s-]+$' })

/** `sso` is begun by `beginSsoProof`. */
const StepUpMethod = Type.Union([
  Type.Literal('sso'),
  Type.Literal('passkey'),
  Type.Literal('totp'),
  Type.Literal('recovery-code'),
  Type.Literal('password'),
])
export type StepUpMethod = Static<typeof StepUpMethod>

// Browsers add members to what they answer, and a newer one must still sign in: these objects are open.
const browserMade = {}

/** What `navigator.credentials.create()` answers, as WebAuthn Level 3 writes it in JSON. */
export const PasskeyAttestation = Type.Object(
  {
    id: Base64Url(1_400),
    rawId: Base64Url(1_400),
    type: Type.Literal('public-key'),
    response: Type.Object(
      {
        clientDataJSON: Base64Url(8_000),
        attestationObject: Base64Url(100_000),
        transports: Type.Optional(Type.Array(Type.String({ maxLength: 40 }), { maxItems: 20 })),
      },
      browserMade,
    ),
  },
  browserMade,
)
export type PasskeyAttestation = Static<typeof PasskeyAttestation>

/** What `navigator.credentials.get()` answers. */
export const PasskeyAssertion = Type.Object(
  {
    id: Base64Url(1_400),
    rawId: Base64Url(1_400),
    type: Type.Literal('public-key'),
    response: Type.Object(
      {
        clientDataJSON: Base64Url(8_000),
        authenticatorData: Base64Url(20_000),
        signature: Base64Url(20_000),
        userHandle: Type.Optional(Base64Url(200)),
      },
      browserMade,
    ),
  },
  browserMade,
)
export type PasskeyAssertion = Static<typeof PasskeyAssertion>

/** For `navigator.credentials`: the members that WebAuthn Level 3 defines, as they are. */
export const PasskeyOptions = Type.Object({}, { additionalProperties: true })

/** With a ticket it completes a sign-in that an identity provider began; after a password it needs none. */
export const PasskeySignIn = Type.Object(
  { response: PasskeyAssertion, ticket: Type.Optional(LinkToken) },
  strict,
)
export type PasskeySignIn = Static<typeof PasskeySignIn>

/** The password was right; one of the methods has to follow. The ticket is no session and can do nothing else. */
export const SecondFactorNeeded = Type.Object({
  ticket: Type.String(),
  methods: Type.Array(
    Type.Union([Type.Literal('passkey'), Type.Literal('totp'), Type.Literal('recovery-code')]),
  ),
  expiresAt: Timestamp,
})
export type SecondFactorNeeded = Static<typeof SecondFactorNeeded>

export const SecondFactor = Type.Object(
  {
    ticket: LinkToken,
    method: Type.Union([Type.Literal('totp'), Type.Literal('recovery-code')]),
    code: TypedCode,
  },
  strict,
)
export type SecondFactor = Static<typeof SecondFactor>

/** `response` goes with `passkey`, `password` with `password`, and `code` with the other two. */
export const StepUp = Type.Object(
  {
    method: StepUpMethod,
    response: Type.Optional(PasskeyAssertion),
    code: Type.Optional(TypedCode),
    password: Type.Optional(Type.String({ maxLength: 128 })),
  },
  strict,
)
export type StepUp = Static<typeof StepUp>

export const StepUpState = Type.Object({
  /** until then, what asks for a proof that the person is there just goes on */
  freshUntil: Type.Optional(Timestamp),
  methods: Type.Array(StepUpMethod),
})
export type StepUpState = Static<typeof StepUpState>

export const Passkey = Type.Object({
  id: Type.String(),
  name: Type.String(),
  /** whether it may be on several devices of the person */
  synced: Type.Boolean(),
  createdAt: Timestamp,
  lastUsedAt: Type.Optional(Timestamp),
})
export type Passkey = Static<typeof Passkey>

export const Factors = Type.Object({
  passkeys: Type.Array(Passkey),
  totp: Type.Optional(Type.Object({ createdAt: Timestamp })),
  recoveryCodesLeft: Type.Integer(),
  /** whether the operator asks for a second factor: without one nothing else can be done */
  required: Type.Boolean(),
})
export type Factors = Static<typeof Factors>

const PasskeyName = Type.String({
  minLength: 1,
  maxLength: 60,
  pattern: '^(?=.*\\S)[^\\u0000-\\u001f\\u007f]+$',
})
export const NewPasskey = Type.Object({ name: PasskeyName, response: PasskeyAttestation }, strict)
export type NewPasskey = Static<typeof NewPasskey>

export const PasskeyChange = Type.Object({ name: PasskeyName }, strict)
export type PasskeyChange = Static<typeof PasskeyChange>

/** `recoveryCodes` come with the first second factor, and are shown once. */
export const NewPasskeyResult = Type.Intersect([
  Passkey,
  Type.Object({ recoveryCodes: Type.Optional(RecoveryCodes) }),
])
export type NewPasskeyResult = Static<typeof NewPasskeyResult>

/** For an authenticator app: as a QR code (one path in a square of `size`), as an address and as text. */
export const TotpEnrolment = Type.Object({
  secret: Type.String(),
  uri: Type.String(),
  qr: Type.Object({ size: Type.Integer(), path: Type.String() }),
  expiresAt: Timestamp,
})
export type TotpEnrolment = Static<typeof TotpEnrolment>

export const TotpConfirmation = Type.Object({ code: TypedCode }, strict)
export type TotpConfirmation = Static<typeof TotpConfirmation>

export const TotpConfirmed = Type.Object({ recoveryCodes: Type.Optional(RecoveryCodes) })
export type TotpConfirmed = Static<typeof TotpConfirmed>

export const NewRecoveryCodes = Type.Object({ recoveryCodes: RecoveryCodes })
export type NewRecoveryCodes = Static<typeof NewRecoveryCodes>

export const SignedInDevice = Type.Object({
  id: Type.String(),
  /** in words, such as "Firefox on Linux" */
  device: Type.String(),
  /** the network address that it signed in from */
  address: Type.String(),
  methods: Type.Array(Type.String()),
  createdAt: Timestamp,
  lastUsedAt: Timestamp,
  current: Type.Boolean(),
})
export type SignedInDevice = Static<typeof SignedInDevice>

export type {
  EmailDomain,
  OperatorSso,
  PartnerSso,
  ProviderSetup,
  SsoBeginning,
} from './sso-schema.ts'
