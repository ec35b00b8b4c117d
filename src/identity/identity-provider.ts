import type { Kysely } from 'kysely'
import { AppError } from '#platform/app-error'
import type { Config } from '#platform/config'
import type { Sealing } from '#platform/sealing'
import { findDomainOwner, findProviderRow, listDomains } from './provider-store.ts'
import type { OperatorRole, PartnerRole } from './schema.ts'
import type { Account } from './store.ts'
import type { IdentityTables } from './tables.ts'

/** What looking a provider up needs. */
type Looking = { config: Config; sealing: Sealing; db: Kysely<IdentityTables> }

/** Stands for the operator where otherwise the id of a partner stands. */
export const operatorOwner = 'operator'

/** An OpenID Connect provider that people of one side sign in with: a partner's, or the operator's. */
export type IdentityProvider = {
  /** a partner, or `operatorOwner` */
  owner: string
  issuer: string
  clientId: string
  clientSecret: string
  mode: 'optional' | 'enforced'
  /** of e-mail addresses, proved to be the owner's: it signs nobody else in */
  domains: readonly string[]
  roleClaim: string | undefined
  /** by values of that claim; the first that fits wins */
  roles: readonly { value: string; role: PartnerRole | OperatorRole }[]
  defaultRole: PartnerRole | OperatorRole | undefined
  acrValues: readonly string[]
  /** who asks for a second factor, of somebody who has one here */
  secondFactor: 'provider' | 'local'
}

/** What the sealed secret is bound to. */
export const providerContext = (partnerId: string): string => `identity.provider:${partnerId}`

export async function findProvider(
  { config, sealing, db: pool }: Looking,
  owner: string,
  db: Kysely<IdentityTables> = pool,
): Promise<IdentityProvider | undefined> {
  if (owner === operatorOwner) {
    return config.sso && { ...config.sso, owner }
  }
  const row = await findProviderRow(db, owner)
  if (row === undefined) return undefined
  const domains = await listDomains(db, owner)
  return {
    owner,
    issuer: row.issuer,
    clientId: row.client_id,
    clientSecret: sealing.open(row.sealed_secret, providerContext(owner)),
    mode: row.mode,
    domains: domains.flatMap(({ domain, confirmed_at: at }) => (at === null ? [] : [domain])),
    roleClaim: row.role_claim ?? undefined,
    roles: row.roles,
    defaultRole: row.default_role ?? undefined,
    acrValues: row.acr_values,
    secondFactor: row.second_factor,
  }
}

export const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1)

/** The provider that answers for the domain of an address, whoever the address belongs to. */
export async function findProviderFor(
  identifying: Looking,
  email: string,
): Promise<IdentityProvider | undefined> {
  const domain = domainOf(email)
  const { sso } = identifying.config
  const owner = sso?.domains.includes(domain)
    ? operatorOwner
    : await findDomainOwner(identifying.db, domain)
  return owner === undefined ? undefined : await findProvider(identifying, owner)
}

export const ownerOf = (account: Pick<Account, 'kind' | 'partner_id'>): string =>
  account.kind === 'operator' ? operatorOwner : (account.partner_id ?? '')

/** Who may sign in without the provider although it is enforced: somebody must, on the day that it is out of order. */
export const hasGlassToBreak = ({ role }: Pick<Account, 'role'>): boolean =>
  role === 'owner' || role === 'administrator'

/**
 * Where single sign-on is enforced, only an owner or an administrator with a second factor signs in without it. Asked
 * after the password or passkey was right, so that it tells strangers nothing.
 * @throws AppError PERMISSION_DENIED
 */
export async function refuseLocalSignIn(
  identifying: Looking,
  account: Pick<Account, 'kind' | 'partner_id' | 'role' | 'has_second_factor' | 'email'>,
): Promise<void> {
  if (account.has_second_factor && hasGlassToBreak(account)) return
  await refuseWhereEnforced(identifying, account)
}

/** @throws AppError PERMISSION_DENIED for somebody who has to sign in with a provider */
export async function refuseWhereEnforced(
  identifying: Looking,
  account: Pick<Account, 'kind' | 'partner_id' | 'email'>,
): Promise<void> {
  if (!(await isEnforcedFor(identifying, account))) return
  throw new AppError(
    'PERMISSION_DENIED',
    'Your organisation signs in by single sign-on: choose it on the sign-in page.',
  )
}

/** Whether this person has to sign in with a provider; addresses of other domains are those of guests. */
export async function isEnforcedFor(
  identifying: Looking,
  account: Pick<Account, 'kind' | 'partner_id' | 'email'>,
): Promise<boolean> {
  const provider = await findProvider(identifying, ownerOf(account))
  return provider?.mode === 'enforced' && provider.domains.includes(domainOf(account.email))
}
