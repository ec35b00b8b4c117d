import { Client } from 'pg'
import type { Environment } from './config.ts'
import type { Sealing } from './sealing.ts'

/**
 * What a process may do in the database. The control side owns it; these may do very little.
 * @public
 */
export type RestrictedRole = `gateway_${Environment}` | 'simulator'

const grants: Record<RestrictedRole, readonly string[]> = {
  gateway_sandbox: gatewayGrants('sandbox'),
  gateway_production: gatewayGrants('production'),
  simulator: [
    'grant usage on schema snapshot to :role',
    'grant select on snapshot.sandbox_entry, snapshot.sandbox_head to :role',
    'grant usage on schema sandbox to :role',
    'grant select, insert, update, delete on all tables in schema sandbox to :role',
    'grant usage, select on all sequences in schema sandbox to :role',
  ],
}

function gatewayGrants(environment: Environment): string[] {
  return [
    'grant usage on schema snapshot to :role',
    `grant select on snapshot.${environment}_entry, snapshot.${environment}_head to :role`,
    `grant execute on function snapshot.find_${environment}_consents to :role`,
    'grant usage on schema gateway to :role',
    `grant execute on function gateway.take_${environment}_quota to :role`,
    `grant execute on function gateway.begin_${environment}_request, gateway.settle_${environment}_request, gateway.sweep_${environment}_requests to :role`,
    `grant execute on function gateway.own_${environment}_resource, gateway.find_${environment}_owners, gateway.count_${environment}_resources, gateway.end_${environment}_resource to :role`,
    `grant execute on function gateway.claim_${environment}_proofs to :role`,
    `grant execute on function gateway.announce_${environment} to :role`,
    `grant execute on function gateway.limit_${environment} to :role`,
    `grant execute on function gateway.count_${environment}_members to :role`,
  ]
}

/**
 * Makes the restricted roles of this installation, each with just its grants, and tells their addresses. Roles belong
 * to the whole server, so their names carry the installation.
 * @throws with what to do when the owner of the database may not make roles
 * @public
 */
export async function ensureDatabaseRoles(
  ownerUrl: string,
  sealing: Sealing,
): Promise<Record<RestrictedRole, string>> {
  const client = new Client({
    connectionString: ownerUrl,
    application_name: 'wayleave roles',
    connectionTimeoutMillis: 10_000,
  })
  await client.connect()
  try {
    await client.query('begin')
    await client.query(`select pg_advisory_xact_lock(hashtextextended('wayleave.roles', 0))`)
    const { rows } = await client.query<{ id: string; database: string }>(
      'select id, current_database() as database from platform.installation',
    )
    const installation = rows[0]
    if (installation === undefined)
      throw new Error('the database is not migrated: run `./wayleave migrate`')
    const urls: Partial<Record<RestrictedRole, string>> = {}
    for (const name of Object.keys(grants) as RestrictedRole[]) {
      const role = `wayleave_${installation.id}_${name}`
      const password = sealing.machineToken(`database-role:${installation.id}:${name}`)
      await makeRole(client, role, password)
      const quoted = client.escapeIdentifier(role)
      await client.query(
        `grant connect on database ${client.escapeIdentifier(installation.database)} to ${quoted}`,
      )
      for (const grant of grants[name]) await client.query(grant.replace(':role', quoted))
      const url = new URL(ownerUrl)
      url.username = role
      url.password = password
      urls[name] = url.href
    }
    await client.query('commit')
    return urls as Record<RestrictedRole, string>
  } finally {
    await client.end()
  }
}

async function makeRole(client: Client, role: string, password: string): Promise<void> {
  const { rowCount } = await client.query('select 1 from pg_roles where rolname = $1', [role])
  const quoted = client.escapeIdentifier(role)
  const secret = client.escapeLiteral(password)
  try {
    await client.query(
      rowCount === 0
        ? `create role ${quoted} with login nosuperuser nocreatedb nocreaterole password ${secret}`
        : `alter role ${quoted} with login password ${secret}`,
    )
  } catch (cause) {
    throw new Error(
      `the database role ${role} could not be made: give the user of DATABASE_URL the attribute CREATEROLE`,
      { cause },
    )
  }
}
