import { type Static, Type } from 'typebox'

/** Who may call a route; every route of the management API declares it. @public */
export type Access = 'public' | 'partner' | 'operator' | 'signed-in'

export const Email = Type.String({ format: 'email', minLength: 3, maxLength: 254 })
export const Password = Type.String({ minLength: 12, maxLength: 128 })
const Name = Type.String({ minLength: 1, maxLength: 120, pattern: '\\S' })

export const NewRegistration = Type.Object(
  { organisation: Name, name: Name, email: Email, password: Password },
  { additionalProperties: false },
)
export type NewRegistration = Static<typeof NewRegistration>

export const SignIn = Type.Object(
  { email: Type.String({ maxLength: 254 }), password: Type.String({ maxLength: 128 }) },
  { additionalProperties: false },
)
export type SignIn = Static<typeof SignIn>

export const PartnerRole = Type.Union([
  Type.Literal('owner'),
  Type.Literal('developer'),
  Type.Literal('finance'),
  Type.Literal('viewer'),
])
export type PartnerRole = Static<typeof PartnerRole>

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
  createdAt: Type.String({ format: 'date-time' }),
})
export type Member = Static<typeof Member>
