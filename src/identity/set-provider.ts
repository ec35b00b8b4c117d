import { type Actor, recordAction } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { createEgress } from '#platform/egress'
import { findProvider, providerContext } from './identity-provider.ts'
import { hasOwnerWithFactor } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { isToken } from './person-of.ts'
import { ProviderError } from './provider-error.ts'
import {
  deleteProvider,
  endLocalSessions,
  endProviderSessions,
  listDomains,
  lockProvider,
  putProvider,
  unlinkSubjects,
} from './provider-store.ts'
import type { ProviderSetup } from './sso-schema.ts'
import { findAccount } from './store.ts'

type By = { partnerId: string; actor: Actor }

/**
 * Sets up the identity provider of a partner, after asking it whether it is one. Where it is enforced from now on,
 * sessions that did not come from it end, but for those of owners.
 * @throws AppError INVALID_ARGUMENT; INCOMPATIBLE_STATE when nobody could get in without it
 */
export async function setProvider(
  identifying: Identifying,
  { partnerId, actor }: By,
  setup: ProviderSetup,
): Promise<void> {
  const { db, sealing, clock, outbox } = identifying
  const before = await findProvider(identifying, partnerId)
  const clientSecret = secretOf(setup, before)
  await refuseFaults(identifying, setup)
  const provider = {
    owner: partnerId,
    clientSecret,
    domains: before?.domains ?? [],
    roleClaim: setup.roleClaim,
    defaultRole: setup.defaultRole,
    issuer: setup.issuer,
    clientId: setup.clientId,
    mode: setup.mode,
    roles: setup.roles,
    acrValues: setup.acrValues,
    secondFactor: setup.secondFactor,
  }
  await probe(identifying, provider)
  if (setup.mode === 'enforced') await requireWayIn(identifying, partnerId, provider.domains, actor)
  await db.transaction().execute(async (trx) => {
    const replaced = await lockProvider(trx, partnerId)
    await putProvider(trx, {
      partner_id: partnerId,
      issuer: setup.issuer,
      client_id: setup.clientId,
      sealed_secret: sealing.seal(clientSecret, providerContext(partnerId)),
      mode: setup.mode,
      role_claim: setup.roleClaim ?? null,
      roles: setup.roles,
      default_role: setup.defaultRole ?? null,
      acr_values: setup.acrValues,
      second_factor: setup.secondFactor,
      changed_at: clock.now(),
    })
    if (replaced !== undefined && replaced.issuer !== setup.issuer) {
      await unlinkSubjects(trx, { owner: partnerId })
      await endProviderSessions(trx, partnerId)
    }
    if (setup.mode === 'enforced') {
      const domains = await listDomains(trx, partnerId)
      const proved = domains.filter(({ confirmed_at: at }) => at !== null)
      await endLocalSessions(
        trx,
        partnerId,
        proved.map(({ domain }) => domain),
      )
    }
    await recordAction(outbox, trx, {
      actor,
      action: 'sso.changed',
      target: partnerId,
      partnerId,
      detail: { issuer: setup.issuer, mode: setup.mode },
    })
  })
}

/** A secret is never sent to another provider, or for another client, than it was given for. */
function secretOf(
  { clientSecret, issuer, clientId }: ProviderSetup,
  before: { issuer: string; clientId: string; clientSecret: string } | undefined,
): string {
  if (clientSecret !== undefined) return clientSecret
  if (before?.issuer === issuer && before.clientId === clientId) return before.clientSecret
  throw invalidArgument([{ path: '/clientSecret', message: 'is required' }])
}

async function refuseFaults({ config }: Identifying, setup: ProviderSetup): Promise<void> {
  const address = createEgress({ networks: config.egressNetworks }).addressFault(setup.issuer)
  const faults = [
    ...(address === undefined ? [] : [{ path: '/issuer', message: address }]),
    ...(/[?#]/.test(setup.issuer)
      ? [{ path: '/issuer', message: 'must have no query or fragment' }]
      : []),
    ...(setup.roleClaim === undefined && setup.roles.length > 0
      ? [{ path: '/roleClaim', message: 'is required for roles by its values' }]
      : []),
  ]
  if (faults.length > 0) throw invalidArgument(faults)
}

async function probe(
  { sso }: Identifying,
  provider: Parameters<Identifying['sso']['probe']>[0],
): Promise<void> {
  try {
    await sso.probe(provider)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    throw invalidArgument([
      { path: '/issuer', message: `does not answer as an OpenID provider: ${error.message}` },
    ])
  }
}

/** On the day that the provider is out of order, an owner must still get in to say so. */
async function requireWayIn(
  { db }: Identifying,
  partnerId: string,
  domains: readonly string[],
  actor: Actor,
): Promise<void> {
  if (domains.length === 0)
    throw new AppError('INCOMPATIBLE_STATE', 'Prove a domain before single sign-on is enforced.')
  if (actor.kind !== 'partner') return
  if (isToken(actor)) {
    if (await hasOwnerWithFactor(db, partnerId)) return
    throw new AppError(
      'INCOMPATIBLE_STATE',
      'No owner of the organisation has a passkey or an authenticator app: one adds it under Security first, and by it gets in when the provider is out of order.',
    )
  }
  const account = await findAccount(db, actor.id)
  if (account?.kind === 'partner' && account.partner_id === partnerId && account.has_second_factor)
    return
  throw new AppError(
    'INCOMPATIBLE_STATE',
    'Add a passkey or an authenticator app to your own account first: by it an owner gets in when the provider is out of order.',
  )
}

/** @returns whether there was one; the sessions that came from it end */
export async function removeProvider(
  { db, outbox }: Identifying,
  { partnerId, actor }: By,
): Promise<boolean> {
  return await db.transaction().execute(async (trx) => {
    const before = await lockProvider(trx, partnerId)
    if (before === undefined || !(await deleteProvider(trx, partnerId))) return false
    await unlinkSubjects(trx, { owner: partnerId })
    await endProviderSessions(trx, partnerId)
    await recordAction(outbox, trx, {
      actor,
      action: 'sso.removed',
      target: partnerId,
      partnerId,
      detail: { issuer: before.issuer },
    })
    return true
  })
}
