import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { DatabasePool } from '../database.ts'
import { keyEncryptions } from './key-encryptions.ts'
import { type KeyTables, listDataKeys, readInstallation } from './key-store.ts'
import { localKey } from './local-key.ts'
import { adoptMasterKey, readMasterKeyFile } from './master-key-file.ts'
import { masterKeyOf, openKeys } from './open-keys.ts'

/**
 * Refuses a database whose keys this process cannot open, before its schema is touched.
 * @public
 */
export async function refuseForeignKeys(options: {
  config: Config
  database: DatabasePool
  clock: Clock
  say?: (line: string) => void
}): Promise<void> {
  const db = options.database.as<KeyTables>()
  const { rows } = await options.database.pool.query<{ installed: boolean; ring: boolean }>(
    `select to_regclass('platform.installation') is not null as installed,
      to_regclass('platform.data_key') is not null as ring`,
  )
  if (rows[0]?.ring === true && (await listDataKeys(db)).length > 0) {
    await openKeys({ ...options, create: false })
  } else if (rows[0]?.installed === true) {
    // The first releases: everything comes from the master key.
    const { id, key_check: check } = await readInstallation(db)
    const made = rows[0].ring && (await listDataKeys(db)).length > 0
    if (check !== null && !made)
      masterKeyOf(keyEncryptions(options.config, { create: false }), id, check)
  }
}

/**
 * Ends a replacement of the master key that was cut off: when all keys are wrapped by another key of the folder, that one
 * is the master key.
 * @public
 */
export async function settleMasterKey(config: Config, database: DatabasePool): Promise<void> {
  if (config.secretKey !== undefined || config.keys.place.kind !== 'file') return
  const rows = await listDataKeys(database.as<KeyTables>())
  const keks = new Set(rows.flatMap(({ kek }) => kek ?? []))
  const present = localKey(readMasterKeyFile(config, { create: false })).id()
  const [only] = keks
  if (keks.size === 1 && only !== undefined && only !== present) adoptMasterKey(config, only)
}
