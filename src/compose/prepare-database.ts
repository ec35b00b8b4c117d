import path from 'node:path'
import type { Pool } from 'pg'
import { systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { ensureDatabaseRoles, type RestrictedRole } from '#platform/database-roles'
import { openKeys } from '#platform/keys/open-keys'
import { refuseForeignKeys, settleMasterKey } from '#platform/keys/prepare-keys'
import { migrate } from '#platform/migrations'
import type { Sealing } from '#platform/sealing'
import { migrated } from '../modules.ts'
import { explainDatabase } from './explain-database.ts'

export type PreparedDatabase = {
  /** the migrations that were applied now */
  applied: string[]
  sealing: Sealing
  restricted: Record<RestrictedRole, string>
}

/**
 * Brings the database to the present schema and makes its restricted roles. A server that does not serve, and a master
 * key that does not belong, are refused before anything is changed.
 */
export async function prepareDatabase(
  config: Config,
  url: string,
  say?: (line: string) => void,
): Promise<PreparedDatabase> {
  const database = createDatabasePool(url, { applicationName: 'wayleave prepare', max: 1 })
  const { pool, close } = database
  try {
    await requireServer(pool)
    const options = { config, database, clock: systemClock, ...(say === undefined ? {} : { say }) }
    await refuseForeignKeys(options)
    const applied = await migrate(url, path.join(config.root, 'src'), migrated)
    const { sealing } = await openKeys({ ...options, create: true })
    await settleMasterKey(config, database)
    const restricted = await ensureDatabaseRoles(url, sealing)
    return { applied, sealing, restricted }
  } catch (error) {
    throw explainDatabase(config, error)
  } finally {
    await close()
  }
}

async function requireServer(pool: Pool): Promise<void> {
  const { rows } = await pool.query<{
    version: number
    name: string
    database: string
    roles: boolean
    schemas: boolean
  }>(
    `select current_setting('server_version_num')::int as version, current_user as name,
      current_database() as database,
      (select rolcreaterole or rolsuper from pg_roles where rolname = current_user) as roles,
      has_database_privilege(current_database(), 'CREATE') as schemas`,
  )
  const server = rows[0]
  if (server === undefined || server.version < 150_000)
    throw new Error(
      `the PostgreSQL of DATABASE_URL is ${Math.floor((server?.version ?? 0) / 10_000)}: use 15 or newer`,
    )
  const needed: string[] = []
  if (!server.schemas)
    needed.push(`  grant create on database "${server.database}" to "${server.name}";`)
  if (!server.roles) needed.push(`  alter role "${server.name}" createrole;`)
  if (needed.length > 0)
    throw new Error(
      `the user "${server.name}" of DATABASE_URL may not make what is needed: schemas, and a restricted role for each gateway. As a superuser:\n${needed.join('\n')}`,
    )
}
