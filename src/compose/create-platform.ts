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
    throw explained(config, error)
  }
  const outbox = createOutbox({ database, subscriptions, newId, clock })
  return { config, database, outbox, sealing, newId, clock, log }
}

function explained(config: Config, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ECONNREFUSED':
    case 'ENOTFOUND':
    case 'ETIMEDOUT': {
      const mend =
        config.databaseUrl === undefined
          ? `Wayleave does not run on ${config.dataDir} and port ${config.postgresPort}: start it with \`npm start\`, or set PORT_BASE, WAYLEAVE_DATA_DIR or DATABASE_URL as it was started`
          : 'DATABASE_URL does not answer: check host and port'
      return new Error(`the database cannot be reached. ${mend}`, { cause: error })
    }
    case '42P01':
    case '3F000':
      return new Error('the database is not migrated: run `./wayleave migrate`', { cause: error })
    default:
      return error
  }
}
