import { type Static, Type } from 'typebox'
import { shownName } from '#platform/shown-name'
import { LinkToken, strict, Timestamp } from './schema-parts.ts'

// Factors and sessions of the person who asks.

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

const PasskeyName = Type.String({ minLength: 1, maxLength: 60, ...shownName })
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
