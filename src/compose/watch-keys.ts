import { Gauge, type Registry } from 'prom-client'
import { type KeyTables, listDataKeys } from '#platform/keys/key-store'
import { type InstallationKeys, openRow } from '#platform/keys/open-keys'
import type { Platform } from '#platform/module'

/**
 * Looks now and then whether the key-encryption key still opens the ring. Nothing fails while it does not, and the next
 * start would: whoever took it away, or its policy, is to be told before that.
 */
export function watchKeys(
  platform: Pick<Platform, 'database' | 'clock' | 'log'> & { keys: InstallationKeys },
  registry: Registry,
): { look(): Promise<void> } {
  const { database, clock, log, keys } = platform
  const healthy = new Gauge({
    name: 'wayleave_key_encryption_healthy',
    help: '1 while the key-encryption key opens the keys of the database; without it nothing can start.',
    registers: [registry],
  })
  const age = new Gauge({
    name: 'wayleave_data_key_age_seconds',
    help: 'How long the present data key has sealed.',
    registers: [registry],
  })
  healthy.set(1)
  return {
    async look() {
      const rows = await listDataKeys(database.as<KeyTables>())
      const current = rows.find(({ purpose, state }) => purpose === 'seal' && state === 'current')
      const since = current?.current_at?.getTime()
      if (since !== undefined) age.set((clock.now().getTime() - since) / 1_000)
      const root = rows.find(({ purpose }) => purpose === 'root')
      try {
        if (root === undefined) throw new Error('the root key of this database is gone')
        await openRow(keys.encryptions, keys.installation, root)
        healthy.set(1)
      } catch (error) {
        healthy.set(0)
        log.error({ err: error }, 'the keys could not be opened at a start now: mend it before one')
      }
    },
  }
}
