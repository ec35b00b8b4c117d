import { systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { embeddedServerUrl } from '#platform/embedded-postgres'
import { createIds } from '#platform/ids'
import { createLog } from '#platform/log'
import { checkMasterKey, openSealing } from '#platform/master-key'
import type { Platform } from '#platform/module'
import { createOutbox } from '#platform/outbox'
import { subscriptions } from '../subscriptions.ts'
import { explainDatabase } from './explain-database.ts'

/** The database of this installation: the configured one, or the embedded one beside which this process runs. */
export const databaseUrlOf = (config: Config): string =>
  config.databaseUrl ?? embeddedServerUrl(config.dataDir, config.postgresPort)

/** What the modules of the control side are given; refuses to go on with a wrong master key or schema. */
export async function createPlatform(
  config: Config,
  name: string,
  logLevel: string = config.logLevel,
): Promise<Platform> {
  const log = createLog({ name, level: logLevel })
  const clock = systemClock
  const newId = createIds(clock)
  const sealing = openSealing(config)
  const database = createDatabasePool(databaseUrlOf(config), {
    applicationName: `wayleave ${name}`,
    onError: (error) => log.warn({ reason: error.message }, 'a database connection broke'),
  })
  try {
    await checkMasterKey(database.pool, sealing)
  } catch (error) {
    await database.close()
    throw explainDatabase(config, error)
  }
  const outbox = createOutbox({ database, subscriptions, newId, clock })
  return { config, database, outbox, sealing, newId, clock, log }
}
