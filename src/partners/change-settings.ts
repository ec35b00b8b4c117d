import { isDeepStrictEqual } from 'node:util'
import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { certificateMethodFault } from '#platform/client-certificates/certificate-methods'
import type { Platform } from '#platform/module'
import { acceptSettings, isCertificateMethod, type SettingsNeeds } from './accept-settings.ts'
import type { AuthorizationSettings, NewAuthorizationSettings } from './authorization-schema.ts'
import {
  type ClientGrant,
  defaultClientSettings,
  endedGrants,
  authenticationMethods as everyMethod,
  type StoredSettings,
} from './client-settings.ts'
import { noSuchApplication } from './rotate-credentials.ts'
import { findSettings, type SettingsRecord, saveLock, saveSettings } from './settings-store.ts'
import { type ApplicationRecord, listCredentials, lockApplication } from './store.ts'
import type { PartnerTables } from './tables.ts'

/** What settings are held against, of other modules. */
export type SettingsChecks = Pick<SettingsNeeds, 'isPurpose' | 'addressFault'> & {
  basisOf: (
    environment: ApplicationRecord['environment'],
    scope: string,
    purpose: string | undefined,
  ) => Promise<string | undefined>
}

const settleMs = 700

/**
 * Puts new settings in place of an application's, whole or not at all. Grants and refresh tokens that rested on a grant
 * that is gone end: `application.changed` names those grants.
 * @throws AppError INVALID_ARGUMENT with every fault
 * @throws AppError ABORTED when somebody else changed them since they were read
 * @throws AppError INCOMPATIBLE_STATE for a partner while the operator has locked them
 */
export async function changeSettings(
  platform: Platform,
  checks: SettingsChecks,
  application: ApplicationRecord,
  { revision, ...input }: NewAuthorizationSettings,
  actor: Actor,
): Promise<AuthorizationSettings> {
  const basisOf = await askBases(input.grants ?? [], (scope, purpose) =>
    checks.basisOf(application.environment, scope, purpose),
  )
  return await underLock(platform, application, async (trx, before) => {
    if (before.lockReason !== null && actor.kind === 'partner')
      throw new AppError(
        'INCOMPATIBLE_STATE',
        `The operator has locked these settings: ${before.lockReason}`,
      )
    refuseStale(before, revision)
    const credentials = await listCredentials(trx, application.id)
    const accepted = await acceptSettings(input, {
      ...checks,
      environment: application.environment,
      basisOf,
      certificateFault: (method) => certificateMethodFault(platform.config, method),
      hasPublicKey: credentials.some(({ type }) => type === 'public_key'),
    })
    if ('faults' in accepted) throw invalidArgument(accepted.faults)
    const { settings } = accepted
    const at = platform.clock.now()
    await saveSettings(trx, application.id, { revision: revision + 1, settings, at })
    const old = before.settings ?? defaultClientSettings
    const names = (Object.keys({ ...old, ...settings }) as (keyof typeof settings)[]).filter(
      (name) => !isDeepStrictEqual(old[name], settings[name]),
    )
    const ended = endedGrants(old.grants, settings.grants)
    await recordAction(platform.outbox, trx, {
      actor,
      action: 'application.authorization-changed',
      target: application.id,
      partnerId: application.partnerId,
      detail: { revision: revision + 1, changed: names.toSorted(), ...evidenceOf(settings, ended) },
    })
    return { ended }
  })
}

/**
 * Asked before the transaction begins: in it, each of many simultaneous changes would hold a connection while it waits for
 * another one, until none is left for anybody.
 */
async function askBases(
  grants: readonly ClientGrant[],
  basisOf: SettingsNeeds['basisOf'],
): Promise<SettingsNeeds['basisOf']> {
  const known = new Map<string, string | undefined>()
  const keyOf = (scope: string, purpose: string | undefined) => `${purpose ?? ''} ${scope}`
  for (const { purpose, scopes } of grants)
    for (const scope of scopes === '*' ? [] : scopes) {
      const key = keyOf(scope, purpose)
      if (!known.has(key)) known.set(key, await basisOf(scope, purpose))
    }
  return async (scope, purpose) => known.get(keyOf(scope, purpose))
}

/** What is in force from now on, in words that evidence may hold. */
function evidenceOf(
  settings: StoredSettings,
  ended: readonly ClientGrant[],
): NonNullable<Parameters<typeof recordAction>[2]['detail']> {
  const { grants, jwksUri, postLogoutRedirectUris, ...rest } = settings
  const said = ({ grantType, purpose = 'any purpose', scopes }: ClientGrant): string =>
    `${purpose}: ${scopes === '*' ? 'every scope' : scopes.join(' ')} by ${grantType}`
  return {
    ...rest,
    postLogoutRedirectUris: postLogoutRedirectUris ?? [],
    jwksUri: jwksUri ?? null,
    grants: grants.map(said),
    endedGrants: ended.map(said),
  }
}

/** The partner may read its settings and not change them, until the operator takes the lock away. */
export async function lockSettings(
  platform: Platform,
  application: ApplicationRecord,
  reason: string | null,
  actor: Actor,
): Promise<AuthorizationSettings> {
  return await underLock(platform, application, async (trx, before) => {
    if (before.lockReason === reason) return { ended: [] }
    const at = platform.clock.now()
    await saveLock(trx, application.id, { revision: before.revision + 1, reason, at })
    await recordAction(platform.outbox, trx, {
      actor,
      action:
        reason === null ? 'application.authorization-unlocked' : 'application.authorization-locked',
      target: application.id,
      partnerId: application.partnerId,
      ...(reason !== null && { detail: { reason } }),
    })
    return { ended: [] }
  })
}

export async function readSettings(
  platform: Platform,
  application: ApplicationRecord,
): Promise<AuthorizationSettings> {
  const record = await findSettings(platform.database.as<PartnerTables>(), application.id)
  return presentSettings(platform.config, application.id, record)
}

/** One change at a time for each application, told to others in the same transaction. */
async function underLock(
  { config, database, outbox }: Platform,
  application: ApplicationRecord,
  change: (
    trx: Transaction<PartnerTables>,
    before: SettingsRecord,
  ) => Promise<{ ended: ReturnType<typeof endedGrants> }>,
): Promise<AuthorizationSettings> {
  const db = database.as<PartnerTables>()
  const { root, after } = await db.transaction().execute(async (trx) => {
    if (!(await lockApplication(trx, application.id))) throw noSuchApplication()
    const { ended } = await change(trx, await findSettings(trx, application.id))
    const root = await outbox.emit(trx, {
      type: 'application.changed',
      key: application.id,
      payload: {
        applicationId: application.id,
        partnerId: application.partnerId,
        environment: application.environment,
        ...(ended.length > 0 && { endedGrants: ended }),
      },
    })
    return { root, after: await findSettings(trx, application.id) }
  })
  await outbox.settled([root], settleMs)
  return presentSettings(config, application.id, after)
}

function refuseStale(before: SettingsRecord, revision: number): void {
  if (before.revision === revision) return
  throw new AppError(
    'ABORTED',
    `These settings were changed meanwhile: they have revision ${before.revision}, and this change is of revision ${revision}. Read them again and make your change to what is there.`,
  )
}

function presentSettings(
  config: Platform['config'],
  applicationId: string,
  record: SettingsRecord,
): AuthorizationSettings {
  const { certificates: _, ...standard } = defaultClientSettings
  const { redirectUris, postLogoutRedirectUris, authenticationMethods, grants, ...rest } =
    record.settings ?? standard
  return {
    applicationId,
    revision: record.revision,
    ...rest,
    redirectUris: [...redirectUris],
    postLogoutRedirectUris: [...(postLogoutRedirectUris ?? [])],
    authenticationMethods: [...authenticationMethods],
    offeredMethods: everyMethod.filter(
      (method) =>
        !isCertificateMethod(method) || certificateMethodFault(config, method) === undefined,
    ),
    grants: grants.map(({ scopes, ...grant }) => ({
      ...grant,
      scopes: scopes === '*' ? scopes : [...scopes],
    })),
    ...(record.changedAt !== null && { changedAt: record.changedAt.toISOString() }),
    ...(record.lockReason !== null &&
      record.lockedAt !== null && {
        lock: { reason: record.lockReason, lockedAt: record.lockedAt.toISOString() },
      }),
  }
}
