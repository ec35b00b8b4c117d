import { systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createDatabasePool, type DatabasePool } from '#platform/database'
import { createIds } from '#platform/ids'
import { followKeys } from '#platform/keys/follow-keys'
import { type InstallationKeys, openKeys } from '#platform/keys/open-keys'
import { createLog } from '#platform/log'
import type { Platform } from '#platform/module'
import { createOutbox } from '#platform/outbox'
import { atOnce, subscriptions } from '../subscriptions.ts'
import { explainDatabase } from './explain-database.ts'
import { roleUrlOf } from './role-database.ts'

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
  const patience = {
    // A person waits for a command; a role that starts with its key service waits longer.
    patienceMs: logLevel === 'silent' ? 3_000 : 30_000,
    say: (line: string) => log.warn({ reason: line }, 'the keys cannot be opened yet'),
  }
  let database: DatabasePool | undefined
  try {
    // Commands do what control does, and may do no more.
    const role = name === 'authorization' ? name : 'control'
    const url = await roleUrlOf(config, role, patience)
    if (
      config.databaseUrl !== undefined &&
      config.databaseUrls[role] === undefined &&
      url !== config.databaseUrl
    )
      log.warn(
        `${name} was given the owner of the database, and connects as its own role: start it with what \`./wayleave migrate --roles\` prints`,
      )
    const pool = createDatabasePool(url, {
      applicationName: `wayleave ${name}`,
      onError: (error) => log.warn({ reason: error.message }, 'a database connection broke'),
    })
    database = pool
    const keys = await openKeys({ config, database, clock, create: false, ...patience })
    const { sealing } = keys
    const follower = followKeys({ keys, url: database.url, log })
    const close = async (): Promise<void> => {
      await follower.stop()
      await pool.close()
    }
    const outbox = createOutbox({ database, subscriptions, atOnce, newId, clock })
    return { config, database: { ...pool, close }, outbox, sealing, keys, newId, clock, log }
  } catch (error) {
    await database?.close()
    throw explainDatabase(config, error)
  }
}
