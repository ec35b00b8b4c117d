import { Client, type Pool } from 'pg'
import { systemClock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createDatabasePool } from '#platform/database'
import { databaseRoleName, databaseRoleUrl } from '#platform/database-roles'
import { type DatabaseRole, databaseRoles } from '#platform/declared-grants'
import { embeddedServerUrl } from '#platform/embedded-postgres'

/** The database of this installation as its owner: the configured one, or the embedded one beside which we run. */
export const ownerUrlOf = (config: Config): string =>
  config.databaseUrl ?? embeddedServerUrl(config.dataDir, config.postgresPort)

/**
 * What a process of this role connects by. Whoever is started with the owner's address, as a command beside the embedded
 * server is, takes from it only what finds the address of the role: nothing of the product works as the owner but
 * migrations.
 */
export async function roleUrlOf(
  config: Config,
  role: DatabaseRole,
  options: { patienceMs?: number; say?: (line: string) => void } = {},
): Promise<string> {
  const given = config.databaseUrls[role]
  if (given !== undefined) return given
  const url = ownerUrlOf(config)
  if (!(await isOwner(url))) return url
  const { openKeys } = await import('#platform/keys/open-keys')
  const database = createDatabasePool(url, { applicationName: `wayleave ${role} keys`, max: 1 })
  try {
    const { sealing, installation } = await openKeys({
      ...{ config, database, clock: systemClock, create: false },
      ...options,
    })
    return databaseRoleUrl(url, { installation, sealing, role })
  } finally {
    await database.close()
  }
}

/** Whether who connects by this address owns the schema of the product, or may act as who does. */
async function isOwner(url: string): Promise<boolean> {
  const client = new Client({
    connectionString: url,
    application_name: 'wayleave role',
    connectionTimeoutMillis: 5_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    const { rows } = await client.query<{ owner: boolean }>(
      `select pg_has_role(nspowner, 'member') as owner from pg_namespace where nspname = 'platform'`,
    )
    return rows[0]?.owner === true
  } finally {
    await client.end()
  }
}

/** Roles that are neither given nor there: whoever prepares the database has to make them. */
export async function missingRoles(
  config: Config,
  pool: Pick<Pool, 'query'>,
): Promise<DatabaseRole[]> {
  const { rows: schema } = await pool.query<{ there: boolean }>(
    `select to_regclass('platform.installation') is not null as there`,
  )
  const { rows } = schema[0]?.there
    ? await pool.query<{ id: string }>('select id from platform.installation')
    : { rows: [] }
  const installation = rows[0]?.id
  const { rows: present } = await pool.query<{ name: string }>(
    'select rolname as name from pg_roles',
  )
  const names = new Set(present.map(({ name }) => name))
  return databaseRoles.filter(
    (role) =>
      config.databaseUrls[role] === undefined &&
      !(installation !== undefined && names.has(databaseRoleName(installation, role))),
  )
}
