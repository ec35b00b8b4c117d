import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { Client } from 'pg'
import type { CommandResult } from '#cli'
import { type Config, ConfigError, settings } from '#platform/config'
import { openDataFolder } from '#platform/data-folder'
import { createDatabasePool } from '#platform/database'
import { embeddedServerUrl } from '#platform/embedded-postgres'
import { checkKeys } from './check-keys.ts'
import { checkNetwork } from './check-network.ts'
import { connectionBudget } from './connection-budget.ts'
import type { Finding } from './finding.ts'
import { type PortFault, portFaults } from './require-free-ports.ts'
import { missingRoles } from './role-database.ts'
import { readRunFile } from './run-file.ts'

/** Every environment variable that is read, with what it is for. */
export function listSettings(): CommandResult {
  const list = Object.entries(settings).map(([name, { about }]) => ({ name, about }))
  const width = Math.max(...list.map(({ name }) => name.length)) + 2
  return {
    data: list,
    text: list.map(({ name, about }) => `${name.padEnd(width)}${about}`).join('\n'),
  }
}

/** Looks at the machine and the configuration and changes nothing. */
export async function runDoctor(load: () => Config): Promise<CommandResult> {
  const findings: Finding[] = [checkNode()]
  try {
    const config = load()
    findings.push({ level: 'ok', what: 'the configuration can be read' })
    findings.push(
      ...checkData(config),
      await checkDisk(config),
      ...(await checkDatabaseAndKeys(config)),
      ...(await checkNetwork(config)),
      checkMessages(config),
      ...(await checkPorts(config)),
    )
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    for (const fault of error.faults) findings.push({ level: 'mend', what: fault })
  }
  const bad = findings.filter((finding) => finding.level === 'mend').length
  const marks = { ok: '✔', note: '·', mend: '✖' } as const
  const lines = findings.map(
    ({ level, what, how }) => `${marks[level]} ${what}${how === undefined ? '' : `\n    ${how}`}`,
  )
  lines.push('', bad === 0 ? 'Nothing has to be mended.' : `${bad} to mend.`)
  return { data: { findings, mend: bad }, text: lines.join('\n'), exitCode: bad === 0 ? 0 : 1 }
}

function checkNode(): Finding {
  const major = Number(process.versions.node.split('.')[0])
  return major >= 26
    ? { level: 'ok', what: `Node ${process.versions.node}` }
    : {
        level: 'mend',
        what: `Node ${process.versions.node} is not the pinned one`,
        how: 'run ./wayleave or npm start, which bring Node 26',
      }
}

/** Nobody is asked outside a sign-in, and nobody reaches the privacy page, when no message can be sent. */
function checkMessages({ consent }: Config): Finding {
  return consent.sms === undefined
    ? {
        level: 'note',
        what: 'production sends no SMS: no consent by CIBA or capture URL, and no privacy page',
        how: 'set WAYLEAVE_SMS_URL to a service that takes {to, text}',
      }
    : { level: 'ok', what: `SMS of production go to ${new URL(consent.sms.url).host}` }
}

function checkData(config: Config): Finding[] {
  if (existsSync(config.dataDir)) {
    try {
      openDataFolder(config.dataDir)
    } catch (error) {
      return [{ level: 'mend', what: error instanceof Error ? error.message : String(error) }]
    }
  }
  return []
}

/** The keys are in the database; where it does not answer, what wraps them is tried alone. */
async function checkDatabaseAndKeys(config: Config): Promise<Finding[]> {
  const found = await checkDatabase(config)
  const url = config.databaseUrl ?? embeddedAddress(config)
  const database =
    found.some(({ level }) => level === 'ok') && url !== undefined
      ? createDatabasePool(url, { applicationName: 'wayleave doctor', max: 1 })
      : undefined
  try {
    return [...found, await checkKeys(config, database)]
  } finally {
    await database?.close()
  }
}

async function checkDisk(config: Config): Promise<Finding> {
  const folder = existsSync(config.dataDir) ? config.dataDir : config.root
  const { bavail, bsize } = await statfs(folder)
  const gigabytes = (bavail * bsize) / 1e9
  const what = `${gigabytes.toFixed(1)} GB free in ${folder}`
  return gigabytes < 2
    ? { level: 'mend', what, how: 'journal and database need room: free at least 2 GB' }
    : { level: 'ok', what }
}

function embeddedAddress(config: Config): string | undefined {
  try {
    return embeddedServerUrl(config.dataDir, config.postgresPort)
  } catch {
    return undefined
  }
}

async function checkDatabase(config: Config): Promise<Finding[]> {
  const embedded = config.databaseUrl === undefined
  const url = config.databaseUrl ?? embeddedAddress(config)
  if (url === undefined) return [{ level: 'note', what: 'PostgreSQL will be the embedded one' }]
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 3_000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return await checkServer(config, client)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return [
      embedded
        ? {
            level: 'note',
            what: 'the embedded PostgreSQL is not running',
            how: 'npm start runs it',
          }
        : {
            level: 'mend',
            what: `DATABASE_URL does not answer: ${reason}`,
            how: 'check host, port, user and password',
          },
    ]
  } finally {
    await client.end().catch(() => undefined)
  }
}

async function checkServer(config: Config, client: Client): Promise<Finding[]> {
  const { rows } = await client.query<{
    version: number
    name: string
    roles: boolean
    migrates: boolean
    connections: number
  }>(
    `select current_setting('server_version_num')::int as version, current_user as name,
      (select rolcreaterole or rolsuper from pg_roles where rolname = current_user) as roles,
      has_database_privilege(current_database(), 'create') as migrates,
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as connections`,
  )
  const server = rows[0]
  if (server === undefined || server.version < 150_000)
    return [
      {
        level: 'mend',
        what: `PostgreSQL ${server?.version ?? '?'} is too old`,
        how: 'use 15 or newer',
      },
    ]
  const findings: Finding[] = [
    { level: 'ok', what: `PostgreSQL ${Math.floor(server.version / 10_000)} answers` },
  ]
  const missing = server.migrates && !server.roles ? await missingRoles(config, client) : []
  if (missing.length > 0)
    findings.push({
      level: 'mend',
      what: `the user "${server.name}" of DATABASE_URL may not make the database roles that are missing: ${missing.join(', ')}`,
      how: `alter role "${server.name}" createrole; or make them yourself (docs/guides/database.md)`,
    })
  const budget = connectionBudget(config)
  if (server.connections < budget)
    findings.push({
      level: 'mend',
      what: `the product holds up to ${budget} connections, and the server has ${server.connections}`,
      how: 'raise max_connections of the server',
    })
  return findings
}

async function checkPorts(config: Config): Promise<Finding[]> {
  const ours = readRunFile(config)?.children ?? []
  const faults = (await portFaults(config)).filter(({ owner }) => !isOurs(owner, ours))
  if (faults.length > 0) return faults.map(({ text }) => ({ level: 'mend', what: text }))
  return [{ level: 'ok', what: `the ports from ${config.portal.port} can be used` }]
}

/** Held by what runs on this data folder: a role, or its PostgreSQL. */
const isOurs = (owner: PortFault['owner'], roles: readonly number[]): boolean =>
  owner !== undefined &&
  (roles.includes(owner.pid) || owner.command.includes(' -c unix_socket_directories= '))
