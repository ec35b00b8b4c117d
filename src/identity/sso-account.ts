import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { lockFor } from '#platform/database'
import { changeMemberRole } from './change-member.ts'
import { changeStaffRole, lockStaff } from './change-staff.ts'
import { tellPerson } from './factor-rules.ts'
import { noPassword } from './hash-password.ts'
import { domainOf, type IdentityProvider, operatorOwner, ownerOf } from './identity-provider.ts'
import { deleteLinks } from './link-store.ts'
import { registeredEvent } from './mail-events.ts'
import { deleteInvitation, insertMember } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { nameFrom, type ProvidedClaims } from './provided-claims.ts'
import { findSubject, linkSubject } from './provider-store.ts'
import type { OperatorRole, PartnerRole } from './schema.ts'
import { actorOf } from './sign-in.ts'
import { deleteStaffInvitation, insertStaff } from './staff-store.ts'
import {
  type Account,
  findAccount,
  findClaim,
  findHolder,
  markEmailVerified,
  type Trx,
} from './store.ts'

/** Why somebody whom the provider knows is not let in; the sign-in page has words for each. */
export type SsoFault = 'expired' | 'provider' | 'refused' | 'address' | 'taken' | 'no-role'

export class SsoRefusal extends Error {
  readonly fault: SsoFault
  constructor(fault: SsoFault, options?: ErrorOptions) {
    super(`single sign-on was refused: ${fault}`, options)
    this.name = 'SsoRefusal'
    this.fault = fault
  }
}

const actor = { kind: 'system', id: 'single-sign-on' } as const

/**
 * Who a subject of a provider is here: whom it was linked to before, or else whoever has the address that the provider
 * has verified, in a domain that is proved to be the owner's. An account of another organisation, or of another subject,
 * is never taken over.
 * @throws SsoRefusal
 */
export async function accountOfSubject(
  identifying: Identifying,
  provider: IdentityProvider,
  claims: ProvidedClaims,
): Promise<Account> {
  const { owner, issuer } = provider
  const of = { owner, issuer, subject: claims.subject }
  const account = await identifying.db.transaction().execute(async (trx) => {
    // Of two first visits at once the second finds what the first has made.
    await lockFor(trx, `identity.sso.${owner}`)
    const linked = await findSubject(trx, of)
    if (linked === undefined) return await meet(identifying, trx, provider, claims)
    const known = await findAccount(trx, linked)
    if (known === undefined || ownerOf(known) !== owner) throw new SsoRefusal('taken')
    // A domain may have been given up since.
    if (!provider.domains.includes(domainOf(known.email))) throw new SsoRefusal('address')
    return known
  })
  return await withRole(identifying, provider, claims, account)
}

/** The first visit of a subject. */
async function meet(
  identifying: Identifying,
  trx: Trx,
  provider: IdentityProvider,
  claims: ProvidedClaims,
): Promise<Account> {
  const { outbox, clock } = identifying
  const { owner, issuer } = provider
  const { email } = claims
  if (email === undefined || !provider.domains.includes(domainOf(email)))
    throw new SsoRefusal('address')
  const found = await accountWith(trx, owner, email)
  if (found !== undefined && ownerOf(found) !== owner) throw new SsoRefusal('taken')
  const account = found ?? (await join(identifying, trx, provider, { ...claims, email }))
  const of = { owner, issuer, subject: claims.subject }
  if (!(await linkSubject(trx, of, account.id, clock.now()))) throw new SsoRefusal('taken')
  if (found === undefined) return account
  if ((await markEmailVerified(trx, found, clock.now())) === 'taken') throw new SsoRefusal('taken')
  await recordAction(outbox, trx, {
    actor: actorOf(found),
    action: 'sso.linked',
    target: found.id,
    detail: { issuer },
  })
  await tellPerson(identifying, trx, found.id, {
    subject: 'Single sign-on was added to your account',
    happened: `From now on the identity provider of your organisation, ${issuer}, signs you in.`,
  })
  return found
}

/** Whoever has confirmed the address, or claims it within the organisation whose domain it is. */
const accountWith = async (trx: Trx, owner: string, email: string): Promise<Account | undefined> =>
  (await findHolder(trx, email)) ?? (await findClaim(trx, email, { partnerId: owner }))

/** Nobody has the address: whoever was invited joins with the role that was meant, others with the one of newcomers. */
async function join(
  identifying: Identifying,
  trx: Trx,
  provider: IdentityProvider,
  { email, name = nameFrom(email), values }: ProvidedClaims & { email: string },
): Promise<Account> {
  const { outbox, clock, newId } = identifying
  const { owner } = provider
  const isStaff = owner === operatorOwner
  const invited = await takeInvitation(trx, owner, email)
  const role = provider.roleClaim === undefined ? invited : undefined
  const given = role ?? roleOf(provider, values)
  if (given === undefined) throw new SsoRefusal('no-role')
  const now = clock.now()
  const person = {
    id: newId(isStaff ? 'staff' : 'member'),
    email,
    name,
    password_hash: noPassword,
    email_verified_at: now,
    last_sign_in_at: now,
    created_at: now,
  }
  const joined = isStaff
    ? await insertStaff(trx, person, given as OperatorRole)
    : await insertMember(trx, person, { partnerId: owner, role: given as PartnerRole })
  const account = joined ? await findAccount(trx, person.id) : undefined
  if (account === undefined) throw new SsoRefusal('taken')
  await recordAction(outbox, trx, {
    actor: actorOf(account),
    action: isStaff ? 'staff.joined' : 'member.joined',
    target: account.id,
    detail: { role: given, by: 'single sign-on' },
  })
  if (!isStaff) {
    const payload = { memberId: account.id, partnerId: owner }
    await outbox.emit(trx, { type: registeredEvent, key: account.id, payload })
  }
  return account
}

/** @returns the role of an open invitation, which ends with it */
async function takeInvitation(
  trx: Trx,
  owner: string,
  email: string,
): Promise<PartnerRole | OperatorRole | undefined> {
  const isStaff = owner === operatorOwner
  if (isStaff) await lockStaff(trx)
  else await lockFor(trx, `identity.partner.${owner}`)
  const invitation = isStaff
    ? await trx
        .selectFrom('identity.staff_invitation')
        .select(['id', 'role'])
        .where('email', '=', email)
        .executeTakeFirst()
    : await trx
        .selectFrom('identity.invitation')
        .select(['id', 'role'])
        .where('partner_id', '=', owner)
        .where('email', '=', email)
        .executeTakeFirst()
  if (invitation === undefined) return undefined
  if (isStaff) await deleteStaffInvitation(trx, invitation.id)
  else await deleteInvitation(trx, invitation.id)
  await deleteLinks(trx, isStaff ? 'staff-invitation' : 'invitation', invitation.id)
  return invitation.role
}

const roleOf = (
  { roles, defaultRole }: IdentityProvider,
  values: readonly string[],
): PartnerRole | OperatorRole | undefined =>
  roles.find(({ value }) => values.includes(value))?.role ?? defaultRole

/** Where the provider says what somebody may do, it says so at each sign-in. */
async function withRole(
  identifying: Identifying,
  provider: IdentityProvider,
  { values }: ProvidedClaims,
  account: Account,
): Promise<Account> {
  if (provider.roleClaim === undefined) return account
  const role = roleOf(provider, values)
  if (role === undefined) throw new SsoRefusal('no-role')
  if (role === account.role) return account
  try {
    if (account.kind === 'operator') {
      const change = { operatorId: account.id, actor }
      await changeStaffRole(identifying, change, role as OperatorRole)
    } else {
      const change = { partnerId: account.partner_id, memberId: account.id, actor }
      await changeMemberRole(identifying, change, role as PartnerRole)
    }
  } catch (error) {
    // The last owner or administrator stays one, whatever the provider says.
    if (!(error instanceof AppError && error.code === 'INCOMPATIBLE_STATE')) throw error
    return account
  }
  return { ...account, role } as Account
}
