import { type Static, type TSchema, Type } from 'typebox'
import { authenticationMethods, grantTypes } from './client-settings.ts'

const literals = <const T extends readonly string[]>(values: T) =>
  Type.Unsafe<T[number]>(Type.Union(values.map((value) => Type.Literal(value))))
const Address = Type.String({ minLength: 1, maxLength: 2_000 })
const few = <T extends TSchema>(item: T, maxItems: number) =>
  Type.Array(item, { maxItems, uniqueItems: true })

export const Grant = Type.Object(
  {
    grantType: literals(grantTypes),
    /** `dpv:FraudPreventionAndDetection`; `GET /purposes` lists them */
    purpose: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    /** `*`: every scope of the subscriptions that no other grant of this purpose lists */
    scopes: Type.Union([
      Type.Literal('*'),
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
        minItems: 1,
        maxItems: 100,
        uniqueItems: true,
      }),
    ]),
  },
  { additionalProperties: false },
)

const changeable = {
  redirectUris: Type.Optional(few(Address, 20)),
  postLogoutRedirectUris: Type.Optional(few(Address, 20)),
  /** where the application publishes its keys (JWK Set) */
  jwksUri: Type.Optional(Address),
  authenticationMethods: Type.Optional(
    Type.Array(literals(authenticationMethods), { minItems: 1, uniqueItems: true }),
  ),
  grants: Type.Optional(Type.Array(Grant, { minItems: 1, maxItems: 100 })),
  refreshTokens: Type.Optional(Type.Boolean()),
  profile: Type.Optional(literals(['standard', 'fapi2'])),
  senderConstraint: Type.Optional(literals(['none', 'certificate', 'dpop', 'either'])),
  requirePar: Type.Optional(Type.Boolean()),
  requireSignedRequest: Type.Optional(Type.Boolean()),
}

/** The whole of the settings: what is left out has its default. */
export const NewAuthorizationSettings = Type.Object(
  {
    ...changeable,
    /** the `revision` of what was read: a change that somebody else made meanwhile is not overwritten */
    revision: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
)
export type NewAuthorizationSettings = Static<typeof NewAuthorizationSettings>

const Lock = Type.Object({
  reason: Type.String(),
  lockedAt: Type.String({ format: 'date-time' }),
})

/** What an application decided about its sign-in, every default said. */
export const AuthorizationSettings = Type.Object({
  applicationId: Type.String(),
  revision: Type.Integer(),
  redirectUris: Type.Array(Type.String()),
  postLogoutRedirectUris: Type.Array(Type.String()),
  jwksUri: Type.Optional(Type.String()),
  authenticationMethods: Type.Array(Type.String()),
  /** those of all methods that the authorization server takes, as the operator has configured it */
  offeredMethods: Type.Array(Type.String()),
  grants: Type.Array(Grant),
  refreshTokens: Type.Boolean(),
  profile: literals(['standard', 'fapi2']),
  senderConstraint: literals(['none', 'certificate', 'dpop', 'either']),
  requirePar: Type.Boolean(),
  requireSignedRequest: Type.Boolean(),
  changedAt: Type.Optional(Type.String({ format: 'date-time' })),
  /** there while the operator keeps the partner from changing them */
  lock: Type.Optional(Lock),
})
export type AuthorizationSettings = Static<typeof AuthorizationSettings>
