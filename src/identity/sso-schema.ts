import { type Static, Type } from 'typebox'
import { shownName } from '#platform/shown-name'
import { Email, OperatorRole, PartnerRole, strict, Timestamp } from './schema-parts.ts'

/** A path of the portal, never another site. */
const ReturnPath = Type.String({ maxLength: 500, pattern: '^/(?![/\\\\])[\\x21-\\x7e]*$' })

export const SsoStart = Type.Object({ email: Email, returnTo: Type.Optional(ReturnPath) }, strict)
export type SsoStart = Static<typeof SsoStart>

/** Where the browser goes next. */
export const SsoBeginning = Type.Object({ url: Type.String() })
export type SsoBeginning = Static<typeof SsoBeginning>

const SsoMode = Type.Union([Type.Literal('optional'), Type.Literal('enforced')])
const FactorSource = Type.Union([Type.Literal('provider'), Type.Literal('local')])
const ShortText = Type.String({ minLength: 1, maxLength: 255, ...shownName })
const RoleOfValue = Type.Object({ value: ShortText, role: PartnerRole }, strict)

export const ProviderSetup = Type.Object(
  {
    issuer: Type.String({ minLength: 8, maxLength: 500, pattern: '^https?://[\\x21-\\x7e]+$' }),
    clientId: ShortText,
    /** left out: the one that is kept */
    clientSecret: Type.Optional(
      Type.String({ minLength: 1, maxLength: 1000, pattern: '^[\\x20-\\x7e]+$' }),
    ),
    mode: SsoMode,
    roleClaim: Type.Optional(ShortText),
    /** by values of that claim; the first that fits wins */
    roles: Type.Array(RoleOfValue, { maxItems: 50 }),
    /** without it only members, invited people and those with a fitting value are let in */
    defaultRole: Type.Optional(
      Type.Union([Type.Literal('developer'), Type.Literal('finance'), Type.Literal('viewer')]),
    ),
    acrValues: Type.Array(ShortText, { maxItems: 10 }),
    secondFactor: FactorSource,
  },
  strict,
)
export type ProviderSetup = Static<typeof ProviderSetup>

export const EmailDomain = Type.Object({
  domain: Type.String(),
  confirmed: Type.Boolean(),
  /** the TXT record that proves it */
  record: Type.Object({ name: Type.String(), value: Type.String() }),
})
export type EmailDomain = Static<typeof EmailDomain>

export const PartnerSso = Type.Object({
  /** what the identity provider is told to send people back to */
  redirectUri: Type.String(),
  provider: Type.Optional(
    Type.Intersect([
      Type.Omit(ProviderSetup, ['clientSecret']),
      Type.Object({
        changedAt: Timestamp,
        /** why it did not sign somebody in */
        fault: Type.Optional(Type.Object({ reason: Type.String(), at: Timestamp })),
      }),
    ]),
  ),
  domains: Type.Array(EmailDomain),
})
export type PartnerSso = Static<typeof PartnerSso>

export const NewEmailDomain = Type.Object(
  {
    domain: Type.String({
      maxLength: 200,
      pattern:
        '^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]$',
    }),
  },
  strict,
)
export type NewEmailDomain = Static<typeof NewEmailDomain>

export const DomainMail = Type.Object(
  {
    mailbox: Type.Union([
      Type.Literal('postmaster'),
      Type.Literal('hostmaster'),
      Type.Literal('admin'),
    ]),
  },
  strict,
)
export type DomainMail = Static<typeof DomainMail>

/** Without a code the DNS is asked. */
export const DomainProof = Type.Object(
  { code: Type.Optional(Type.String({ maxLength: 100, pattern: '^[\\w-]*$' })) },
  strict,
)
export type DomainProof = Static<typeof DomainProof>

/** Single sign-on of the staff, which the settings of the installation decide. */
export const OperatorSso = Type.Object({
  redirectUri: Type.String(),
  provider: Type.Optional(
    Type.Object({
      issuer: Type.String(),
      clientId: Type.String(),
      mode: SsoMode,
      domains: Type.Array(Type.String()),
      roleClaim: Type.Optional(Type.String()),
      roles: Type.Array(Type.Object({ value: Type.String(), role: OperatorRole })),
      defaultRole: Type.Optional(OperatorRole),
      acrValues: Type.Array(Type.String()),
      secondFactor: FactorSource,
    }),
  ),
})
export type OperatorSso = Static<typeof OperatorSso>
