import { createHash, randomBytes } from 'node:crypto'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after } from 'node:test'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { migrated } from '../modules.ts'
import { subscriptions } from '../subscriptions.ts'
import { type Clock, systemClock } from './clock.ts'
import { type Config, loadConfig } from './config.ts'
import { createDatabasePool, type DatabasePool } from './database.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { freePort } from './free-port.ts'
import { createIds } from './ids.ts'
import { createLog } from './log.ts'
import { migrate } from './migrations.ts'
import type { Platform } from './module.ts'
import { createOutbox, type Subscriber, startDispatcher } from './outbox.ts'
import { createSealing } from './sealing.ts'

type TestContext = { after: (fn: () => Promise<void> | void) => void }

/** @public */
export { freePort }

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..')
const source = path.join(root, 'src')

/** The superuser address of the server that all test files share; a lone test file starts a server of its own. */
let server: Promise<string> | undefined
let stopOwnServer = (): Promise<void> => Promise.resolve()

function testServer(): Promise<string> {
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
const made: { url: string; name: string }[] = []

after(async () => {
  const [first] = made
  if (first !== undefined) {
    const cleaner = new Client({ connectionString: first.url })
    await cleaner.connect()
    for (const { name } of made.splice(0)) {
      await cleaner.query(`drop database if exists ${name} with (force)`)
    }
    await cleaner.end()
  }
  await stopOwnServer()
})

const withDatabase = (url: string, name: string): string => {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}

/**
 * The address of a database of one's own, cloned from a template that has every migration applied; dropped after the
 * test.
 * @public
 */
export async function testDatabaseUrl(_t?: TestContext): Promise<string> {
  const url = await testServer()
  const files = globSync('*/migrations/*.sql', { cwd: source }).sort()
  const digest = createHash('sha256')
  for (const file of files) digest.update(file).update(readFileSync(path.join(source, file)))
  const template = `template_${digest.digest('hex').slice(0, 16)}`
  const name = `test_${randomBytes(8).toString('hex')}`
  const admin = new Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query(`select pg_advisory_lock(hashtextextended('wayleave.test.template', 0))`)
    const { rowCount } = await admin.query('select 1 from pg_database where datname = $1', [
      template,
    ])
    if (rowCount === 0) {
      const draft = `draft_${randomBytes(8).toString('hex')}`
      await admin.query(`create database ${draft}`)
      await migrate(withDatabase(url, draft), source, migrated)
      await admin.query(`alter database ${draft} rename to ${template}`)
    }
    await admin.query(`create database ${name} template ${template}`)
  } finally {
    await admin.end()
  }
  made.push({ url, name })
  return withDatabase(url, name)
}

/** @public */
export async function testDatabase(t: TestContext): Promise<DatabasePool> {
  const url = await testDatabaseUrl(t)
  const database = createDatabasePool(url, { applicationName: 'wayleave test', max: 20 })
  t.after(() => database.close())
  return database
}

/**
 * A configuration on free ports with a data folder of its own.
 * @public
 */
export async function testConfig(
  t: TestContext,
  env: Readonly<Record<string, string>> = {},
): Promise<Config> {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'wayleave-test-'))
  t.after(() => rmSync(dataDir, { recursive: true, force: true }))
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
  return {
    config: { ...config, databaseUrl: url },
    database,
    newId,
    clock,
    outbox: createOutbox({ database, subscriptions, newId, clock }),
    sealing: createSealing(createHash('sha256').update('test').digest()),
    log: createLog({ name: 'test', level: 'silent' }),
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
  const dispatcher = startDispatcher({
    database: platform.database,
    subscribers,
    log: platform.log,
  })
  t.after(() => dispatcher.stop())
}
