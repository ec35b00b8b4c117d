import { Client, escapeIdentifier, escapeLiteral } from 'pg'
import { applyGrants } from './apply-grants.ts'
import { roleSettings } from './database-settings.ts'
import { type DatabaseGrants, type DatabaseRole, databaseRoles } from './declared-grants.ts'
import type { Sealing } from './sealing.ts'

const rolesLock = 'wayleave.roles'

/** @public */
export type RoleUrls = Readonly<Record<DatabaseRole, string>>

/**
 * Roles belong to the whole server, so their names carry the installation.
 * @public
 */
export const databaseRoleName = (installation: string, role: DatabaseRole): string =>
  `wayleave_${installation}_${role}`

/**
 * The address of a role that the product made: its password comes from the root key, so it is kept nowhere.
 * @public
 */
export function databaseRoleUrl(
  ownerUrl: string,
  { installation, sealing, role }: { installation: string; sealing: Sealing; role: DatabaseRole },
): string {
  const url = new URL(ownerUrl)
  url.username = databaseRoleName(installation, role)
  url.password = sealing.machineToken(`database-role:${installation}:${role}`)
  return url.href
}

/**
 * Makes the roles of this installation where no address is given for them, gives each exactly what is declared, takes
 * what is not, and tells their addresses. Changes nothing where nothing has to be changed.
 * @param given addresses of roles that somebody else made
 * @throws with what to do when a role cannot be made, or may do more than it should
 * @public
 */
export async function ensureDatabaseRoles(
  ownerUrl: string,
  options: {
    sealing: Sealing
    grants: DatabaseGrants
    given?: Partial<RoleUrls>
  },
): Promise<RoleUrls> {
  const { sealing, grants, given = {} } = options
  const owner = await connect(ownerUrl)
  try {
    await owner.query('begin')
    await owner.query(`select pg_advisory_xact_lock(hashtextextended('${rolesLock}', 0))`)
    const { installation, database } = await readInstallation(owner)
    const urls = Object.fromEntries(
      databaseRoles.map((role) => [
        role,
        given[role] ?? databaseRoleUrl(ownerUrl, { installation, sealing, role }),
      ]),
    ) as RoleUrls
    const names = new Map<string, DatabaseRole>()
    for (const role of databaseRoles) {
      const setting = given[role] === undefined ? undefined : roleSettings[role]
      const name = await settleRole(owner, urls[role], setting)
      const other = names.get(name)
      if (other !== undefined)
        throw new Error(
          `the database role "${name}" is given for ${other} and for ${role}: each process needs one of its own`,
        )
      names.set(name, role)
      await requireRestricted(owner, name, role)
      await allowConnect(owner, database, name)
    }
    await applyGrants(owner, grants, names)
    await owner.query('commit')
    return urls
  } finally {
    await owner.end()
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: 'wayleave roles',
    connectionTimeoutMillis: 10_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

async function readInstallation(
  owner: Client,
): Promise<{ installation: string; database: string }> {
  const { rows } = await owner.query<{ installation: string; database: string }>(
    'select id as installation, current_database() as database from platform.installation',
  )
  if (rows[0] === undefined)
    throw new Error('the database is not migrated: run `./wayleave migrate`')
  return rows[0]
}

/** Sees to it that who connects by this address can. @returns the name of the role */
async function settleRole(
  owner: Client,
  url: string,
  setting: string | undefined,
): Promise<string> {
  const { username, password } = new URL(url)
  const name = decodeURIComponent(username)
  try {
    return await whoConnects(url)
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    // The role is there, and may not connect yet.
    if (code === '42501') return name
    if (setting !== undefined)
      throw new Error(
        `${setting} does not work: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      )
    // There is no such role, or its password is another one.
    if (code !== '28P01' && code !== '28000') throw cause
  }
  await makeRole(owner, name, decodeURIComponent(password))
  return name
}

async function whoConnects(url: string): Promise<string> {
  const client = await connect(url)
  try {
    const { rows } = await client.query<{ name: string; elsewhere: boolean }>(
      // The owner holds this lock in its own database.
      `select current_user as name, pg_try_advisory_xact_lock(hashtextextended('${rolesLock}', 0)) as elsewhere`,
    )
    if (rows[0]?.elsewhere !== false)
      throw new Error('it leads to another database than DATABASE_URL')
    return rows[0].name
  } finally {
    await client.end()
  }
}

async function makeRole(owner: Client, role: string, password: string): Promise<void> {
  const { rowCount } = await owner.query('select 1 from pg_roles where rolname = $1', [role])
  const quoted = escapeIdentifier(role)
  const secret = escapeLiteral(password)
  try {
    await owner.query(
      rowCount === 0
        ? `create role ${quoted} with login nosuperuser nocreatedb nocreaterole password ${secret}`
        : `alter role ${quoted} with login password ${secret}`,
    )
  } catch (cause) {
    throw new Error(
      `the database role ${role} could not be made: give the user of DATABASE_URL the attribute CREATEROLE, or make the roles yourself and set DATABASE_URL_… for each (docs/guides/database.md)`,
      { cause },
    )
  }
}

/** Roles of the server that can do what no grant of a table says. */
const powerful = [
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
  'pg_maintain',
]

/**
 * @throws when the role is a superuser, may make roles, or may become somebody who is, or who owns a schema of the product:
 * what is granted to it would mean nothing
 */
async function requireRestricted(owner: Client, name: string, role: DatabaseRole): Promise<void> {
  const { rows } = await owner.query<{ name: string }>(
    `select r.rolname as name from pg_roles r
     where pg_has_role($1, r.oid, 'member') and (r.rolsuper or r.rolcreaterole or r.rolreplication
       or r.rolbypassrls or r.rolname = any ($2)
       or r.oid in (select nspowner from pg_namespace where nspname = 'platform')
       or r.oid = (select datdba from pg_database where datname = current_database()))`,
    [name, powerful],
  )
  if (rows.length === 0) return
  const why = rows.some((row) => row.name === name)
    ? 'is a superuser, an owner, or may make roles'
    : `is a member of ${rows.map((row) => `"${row.name}"`).join(', ')}`
  throw new Error(
    `the database role "${name}" of ${role} ${why}, so it could change what it must not: give ${role} a role that has no rights of its own (docs/guides/database.md)`,
  )
}

async function allowConnect(owner: Client, database: string, name: string): Promise<void> {
  const { rows } = await owner.query<{ allowed: boolean }>(
    `select has_database_privilege($1, current_database(), 'connect') as allowed`,
    [name],
  )
  if (rows[0]?.allowed === true) return
  await owner.query(
    `grant connect on database ${escapeIdentifier(database)} to ${escapeIdentifier(name)}`,
  )
}
