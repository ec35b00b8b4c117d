import { createHash, randomBytes } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type RawBuilder, sql } from 'kysely'
import { Client } from 'pg'
import { databaseGrants } from '../database-grants.ts'
import { migrated } from '../modules.ts'
import { atOnce, subscriptions } from '../subscriptions.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Config, loadConfig } from './config.ts'
import { createDatabasePool, type DatabasePool } from './database.ts'
import {
  databaseRoleName,
  databaseRoleUrl,
  ensureDatabaseRoles,
  type RoleUrls,
} from './database-roles.ts'
import { type DatabaseRole, databaseRoles } from './declared-grants.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { freePort } from './free-port.ts'
import { createIds } from './ids.ts'
import { createLog } from './log.ts'
import { migrate } from './migrations.ts'
import type { Platform } from './module.ts'
import { createOutbox, type Outbox, type Subscriber, startDispatcher } from './outbox.ts'
import { createSealing } from './sealing.ts'
import { testFolder } from './testing-folder.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** @public */
export { freePort }

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const source = path.join(root, 'src')

const sealing = createSealing(createHash('sha256').update('test').digest())

/** The superuser address of the server that all test files share; a lone test file starts a server of its own. */
let server: Promise<string> | undefined
let stopOwnServer = (): Promise<void> => Promise.resolve()

/**
 * The server of the tests, as its superuser.
 * @public
 */
export function testServerUrl(): Promise<string> {
  server ??= process.env.WAYLEAVE_TEST_POSTGRES
    ? Promise.resolve(process.env.WAYLEAVE_TEST_POSTGRES)
    : startTestServer()
  return server
}

async function startTestServer(): Promise<string> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'wayleave-test-'))
  const started = await startEmbeddedPostgres({
    dataDir,
    port: await freePort(),
    settings: ['fsync=off', 'synchronous_commit=off', 'max_connections=400'],
  })
  stopOwnServer = async () => {
    await started.stop()
    rmSync(dataDir, { recursive: true, force: true })
  }
  return started.url
}

/** Dropped after the last test of the file: hooks of a test run in their order, and what it opened must close first. */
const made: string[] = []
const madeRoles: string[] = []

/** One connection of a test file that makes and drops its databases. */
let administrator: Promise<Client> | undefined

function administration(): Promise<Client> {
  administrator ??= testServerUrl().then(async (url) => {
    const client = new Client({ connectionString: url })
    await client.connect()
    return client
  })
  return administrator
}

/**
 * Drops what was made here, and stops the server that was started for it: the last thing that a process does.
 * @public
 */
export async function dropTestDatabases(): Promise<void> {
  if (administrator !== undefined) {
    const admin = await administrator
    for (const name of made.splice(0)) {
      await admin.query(`drop database if exists ${name} with (force)`)
    }
    for (const role of madeRoles.splice(0)) await admin.query(`drop role if exists ${role}`)
    await admin.end()
  }
  await stopOwnServer()
}
// The test runner follows every promise of a process that uses it, and a bench would measure that.
if (process.argv[1]?.endsWith('.test.ts')) after(dropTestDatabases)

const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/** The database with every migration that others are cloned from, made by whoever comes first. */
let template: Promise<string> | undefined

async function makeTemplate(): Promise<string> {
  const url = await testServerUrl()
  const files = globSync(['*/migrations/*.sql', '*/database-grants.ts', 'platform/*-grants.ts'], {
    cwd: source,
  }).sort()
  const digest = createHash('sha256')
  for (const file of files) digest.update(file).update(readFileSync(path.join(source, file)))
  const name = `template_${digest.digest('hex').slice(0, 16)}`
  const exists = async (admin: Client): Promise<boolean> =>
    (await admin.query('select 1 from pg_database where datname = $1', [name])).rowCount === 1
  if (await exists(await administration())) return name
  const admin = new Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query(`select pg_advisory_lock(hashtextextended('wayleave.test.template', 0))`)
    if (await exists(admin)) return name
    const draft = `draft_${randomBytes(8).toString('hex')}`
    await admin.query(`create database ${draft}`)
    await migrate(withDatabase(url, draft), source, migrated)
    await ensureDatabaseRoles(withDatabase(url, draft), { sealing, grants: databaseGrants })
    await admin.query(`alter database ${draft} rename to ${name}`)
    return name
  } finally {
    await admin.end()
  }
}

/**
 * The address of a database of one's own, cloned from a template that has every migration applied; dropped after the
 * test.
 * @public
 */
export async function testDatabaseUrl(_t?: TestContext): Promise<string> {
  template ??= makeTemplate()
  const name = `test_${randomBytes(8).toString('hex')}`
  const admin = await administration()
  // Copied file by file: half the time of the usual way through the write-ahead log.
  await admin.query(`create database ${name} template ${await template} strategy file_copy`)
  made.push(name)
  return withDatabase(await testServerUrl(), name)
}

/** @public */
export async function testDatabase(t: TestContext): Promise<DatabasePool> {
  const url = await testDatabaseUrl(t)
  const database = createDatabasePool(url, { applicationName: 'wayleave test', max: 20 })
  t.after(() => database.close())
  return database
}

/**
 * The addresses of the roles of a test database, which have what the modules declare and nothing else.
 * @public
 */
export async function testRoles({ url, pool }: DatabasePool): Promise<RoleUrls> {
  const { rows } = await pool.query<{ id: string }>('select id from platform.installation')
  const installation = rows[0]?.id ?? ''
  return Object.fromEntries(
    databaseRoles.map((role) => [role, databaseRoleUrl(url, { installation, sealing, role })]),
  ) as RoleUrls
}

/**
 * Makes the database an installation of its own, without roles: for tests that prepare it with a master key of theirs. The
 * roles of others, whose names their installation is part of, stay as they are.
 * @public
 */
export async function ownInstallation({ pool }: DatabasePool): Promise<string> {
  const id = randomBytes(5).toString('hex')
  await pool.query('update platform.installation set id = $1', [id])
  madeRoles.push(...databaseRoles.map((role) => databaseRoleName(id, role)))
  return id
}

/**
 * A configuration on free ports with a data folder of its own.
 * @public
 */
export async function testConfig(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<Config> {
  const dataDir = testFolder(t)
  const ports = await Promise.all(
    portSettings.map(async (name) => [name, String(await freePort())]),
  )
  return loadConfig(root, '0.0.0', {
    WAYLEAVE_DATA_DIR: dataDir,
    ...Object.fromEntries(ports),
    ...env,
  })
}

const portSettings = [
  'WAYLEAVE_PORTAL_PORT',
  'WAYLEAVE_GATEWAY_PRODUCTION_PORT',
  'WAYLEAVE_GATEWAY_SANDBOX_PORT',
  'WAYLEAVE_GATEWAY_PRODUCTION_TLS_PORT',
  'WAYLEAVE_GATEWAY_SANDBOX_TLS_PORT',
  'WAYLEAVE_AUTHORIZATION_PORT',
  'WAYLEAVE_AUTHORIZATION_TLS_PORT',
  'WAYLEAVE_POSTGRES_PORT',
  'WAYLEAVE_SIMULATOR_PORT',
  'WAYLEAVE_CONTROL_INTERNAL_PORT',
  'WAYLEAVE_AUTHORIZATION_INTERNAL_PORT',
  'WAYLEAVE_GATEWAY_PRODUCTION_INTERNAL_PORT',
  'WAYLEAVE_GATEWAY_SANDBOX_INTERNAL_PORT',
  'WAYLEAVE_SIMULATOR_INTERNAL_PORT',
] as const

/**
 * A whole platform on a fresh database.
 * @public
 */
export async function testPlatform(
  t: TestContext,
  options: { clock?: Clock; env?: Readonly<Record<string, string>>; url?: string } = {},
): Promise<Platform> {
  const clock = options.clock ?? systemClock
  const config = await testConfig(t, options.env)
  const url = options.url ?? (await testDatabaseUrl(t))
  const database = createDatabasePool(url, { applicationName: 'wayleave test', max: 20 })
  t.after(() => database.close())
  const newId = createIds(clock)
  const outbox = createOutbox({ database, subscriptions, atOnce, newId, clock })
  return {
    config: { ...config, databaseUrl: url },
    database,
    newId,
    clock,
    outbox: { ...outbox, ...waitForServed(database) },
    sealing,
    log: createLog({ name: 'test', level: 'silent' }),
  }
}

/**
 * The same platform as a process of the product has it: it may do what is declared for its role.
 * @public
 */
export async function asRole(
  t: TestContext,
  platform: Platform,
  role: DatabaseRole,
): Promise<Platform> {
  const url = (await testRoles(platform.database))[role]
  const database = createDatabasePool(url, { applicationName: `wayleave test ${role}`, max: 20 })
  t.after(() => database.close())
  const { newId, clock } = platform
  const outbox = createOutbox({ database, subscriptions, atOnce, newId, clock })
  return { ...platform, database, outbox }
}

/** The subscribers that a test runs, by the database of its platform. */
const served = new WeakMap<DatabasePool, Set<string>>()

/** As the outbox waits, but not for reactions that nobody in this test will ever do. */
function waitForServed(database: DatabasePool): Pick<Outbox, 'settled' | 'settledAbout'> {
  const none = async (owed: (subscribers: string[]) => RawBuilder<unknown>, timeoutMs: number) => {
    const until = performance.now() + timeoutMs
    for (;;) {
      const { rows } = await owed([...(served.get(database) ?? [])]).execute(database.as())
      if (rows.length === 0) return true
      if (performance.now() >= until) return false
      await delay(5)
    }
  }
  return {
    settled: (rootIds, timeoutMs) =>
      none(
        (subscribers) => sql`
          select 1 from platform.delivery
          where root_id = any(${[...rootIds]}) and subscriber = any(${subscribers}) limit 1`,
        timeoutMs,
      ),
    settledAbout: (key, timeoutMs) =>
      none(
        (subscribers) => sql`
          select 1 from platform.delivery d join platform.outbox o on o.root_id = d.root_id
          where o.key = ${key} and d.subscriber = any(${subscribers}) limit 1`,
        timeoutMs,
      ),
  }
}

/**
 * Runs subscribers until the test ends, as the control process does.
 * @public
 */
export function testDispatcher(
  t: TestContext,
  platform: Platform,
  subscribers: readonly Subscriber[],
): void {
  served.set(platform.database, new Set(subscribers.map(({ name }) => name)))
  const dispatcher = startDispatcher({
    database: platform.database,
    subscribers,
    log: platform.log,
  })
  t.after(() => dispatcher.stop())
}
