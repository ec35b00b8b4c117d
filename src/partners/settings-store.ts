import type { Kysely, Transaction } from 'kysely'
import type { StoredSettings } from './client-settings.ts'
import type { PartnerTables } from './tables.ts'

type Db = Kysely<PartnerTables> | Transaction<PartnerTables>

/** Settings of an application; without `settings` it has the defaults. */
export type SettingsRecord = {
  revision: number
  settings: StoredSettings | null
  changedAt: Date | null
  lockReason: string | null
  lockedAt: Date | null
}

const none: SettingsRecord = {
  revision: 0,
  settings: null,
  changedAt: null,
  lockReason: null,
  lockedAt: null,
}

export async function findSettings(db: Db, applicationId: string): Promise<SettingsRecord> {
  const row = await db
    .selectFrom('partners.authorization_settings')
    .select([
      'revision',
      'settings',
      'changed_at as changedAt',
      'lock_reason as lockReason',
      'locked_at as lockedAt',
    ])
    .where('application_id', '=', applicationId)
    .executeTakeFirst()
  return row ?? none
}

/** Under the lock of the application. */
export async function saveSettings(
  trx: Transaction<PartnerTables>,
  applicationId: string,
  change: { revision: number; settings: StoredSettings; at: Date },
): Promise<void> {
  const values = {
    revision: change.revision,
    settings: JSON.stringify(change.settings),
    changed_at: change.at,
  }
  await trx
    .insertInto('partners.authorization_settings')
    .values({ application_id: applicationId, lock_reason: null, locked_at: null, ...values })
    .onConflict((conflict) => conflict.column('application_id').doUpdateSet(values))
    .execute()
}

/** Under the lock of the application; without a reason it is taken away. */
export async function saveLock(
  trx: Transaction<PartnerTables>,
  applicationId: string,
  lock: { revision: number; reason: string; at: Date } | { revision: number; reason: null },
): Promise<void> {
  const values = {
    revision: lock.revision,
    lock_reason: lock.reason,
    locked_at: lock.reason === null ? null : lock.at,
  }
  await trx
    .insertInto('partners.authorization_settings')
    .values({ application_id: applicationId, changed_at: null, ...values })
    .onConflict((conflict) => conflict.column('application_id').doUpdateSet(values))
    .execute()
}
