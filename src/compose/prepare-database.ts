import path from 'node:path'
import type { Pool } from 'pg'
import { systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { ensureDatabaseRoles, type RoleUrls } from '#platform/database-roles'
import { roleSettings } from '#platform/database-settings'
import type { DatabaseRole } from '#platform/declared-grants'
import { openKeys } from '#platform/keys/open-keys'
import { refuseForeignKeys, settleMasterKey } from '#platform/keys/prepare-keys'
import { migrate } from '#platform/migrations'
import type { Sealing } from '#platform/sealing'
import { databaseGrants } from '../database-grants.ts'
import { migrated } from '../modules.ts'
import { explainDatabase } from './explain-database.ts'
import { missingRoles } from './role-database.ts'

export type PreparedDatabase = {
  /** the migrations that were applied now */
  applied: string[]
  sealing: Sealing
  /** what each process connects by */
  urls: RoleUrls
}

/**
 * Brings the database to the present schema and its roles to what is declared. A server that does not serve, and a master
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
    await requireServer(config, pool)
    const options = { config, database, clock: systemClock, ...(say === undefined ? {} : { say }) }
    await refuseForeignKeys(options)
    const applied = await migrate(url, path.join(config.root, 'src'), migrated)
    const { sealing } = await openKeys({ ...options, create: true })
    await settleMasterKey(config, database)
    const roles = { sealing, grants: databaseGrants, given: config.databaseUrls }
    const urls = await ensureDatabaseRoles(url, roles)
    return { applied, sealing, urls }
  } catch (error) {
    throw explainDatabase(config, error)
  } finally {
    await close()
  }
}

async function requireServer(config: Config, pool: Pool): Promise<void> {
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
  if (!server.schemas)
    throw new Error(
      `the user "${server.name}" of DATABASE_URL may not make schemas. As a superuser or the owner of the database:\n  grant create on database "${server.database}" to "${server.name}";`,
    )
  const missing = server.roles ? [] : await missingRoles(config, pool)
  if (missing.length > 0) throw new Error(explainMissing(server, missing))
}

/** Either way out, as SQL that can be run as it stands. */
function explainMissing(
  server: { name: string; database: string },
  missing: readonly DatabaseRole[],
): string {
  const settings = missing.map((role) => roleSettings[role])
  return [
    `the user "${server.name}" of DATABASE_URL may not make roles, and each process connects as one of its own. As a superuser, either`,
    `  alter role "${server.name}" createrole;`,
    'or, with passwords of your own,',
    ...settings.map((name) => `  create role ${roleFor(name)} with login password '…';`),
    `and start with the addresses of these roles in ${settings.join(', ')} (docs/guides/database.md).`,
  ].join('\n')
}

/** `DATABASE_URL_CONTROL`: `wayleave_control` */
const roleFor = (setting: string): string =>
  setting.replace('DATABASE_URL', 'wayleave').toLowerCase()
