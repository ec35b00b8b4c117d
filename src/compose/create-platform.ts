import { systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { embeddedServerUrl } from '#platform/embedded-postgres'
import { createIds } from '#platform/ids'
import { followKeys } from '#platform/keys/follow-keys'
import { type InstallationKeys, openKeys } from '#platform/keys/open-keys'
import { createLog } from '#platform/log'
import type { Platform } from '#platform/module'
import { createOutbox } from '#platform/outbox'
import { subscriptions } from '../subscriptions.ts'
import { explainDatabase } from './explain-database.ts'

/** The database of this installation: the configured one, or the embedded one beside which this process runs. */
export const databaseUrlOf = (config: Config): string =>
  config.databaseUrl ?? embeddedServerUrl(config.dataDir, config.postgresPort)

/**
 * What the modules of the control side are given, and the keys behind its sealing, which are followed until the database
 * is closed; refuses to go on with a wrong key or schema, or without a key.
 */
export async function createPlatform(
  config: Config,
  name: string,
  logLevel: string = config.logLevel,
): Promise<Platform & { keys: InstallationKeys }> {
  const log = createLog({ name, level: logLevel })
  const clock = systemClock
  const newId = createIds(clock)
  const database = createDatabasePool(databaseUrlOf(config), {
    applicationName: `wayleave ${name}`,
    onError: (error) => log.warn({ reason: error.message }, 'a database connection broke'),
  })
  try {
    const keys = await openKeys({
      ...{ config, database, clock, create: false },
      // A person waits for a command; a role that starts with its key service waits longer.
      patienceMs: logLevel === 'silent' ? 3_000 : 30_000,
      say: (line) => log.warn({ reason: line }, 'the keys cannot be opened yet'),
    })
    const { sealing } = keys
    const follower = followKeys({ keys, url: database.url, log })
    const close = async (): Promise<void> => {
      await follower.stop()
      await database.close()
    }
    const outbox = createOutbox({ database, subscriptions, newId, clock })
    return { config, database: { ...database, close }, outbox, sealing, keys, newId, clock, log }
  } catch (error) {
    await database.close()
    throw explainDatabase(config, error)
  }
}
