import { spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { systemFolder } from './postgres-binaries.ts'
import { type Account, canEnter } from './unprivileged-account.ts'

/** @public */
export const superuser = 'wayleave'

export const identity = (account: Account | undefined): { uid?: number; gid?: number } =>
  account === undefined ? {} : { uid: account.uid, gid: account.gid }

/** Nothing of our environment is for the server: settings such as PGDATA would change what it does. */
export const serverEnvironment = (): Record<string, string> => ({
  PATH: '/usr/bin:/bin',
  LC_ALL: 'C',
  TZ: 'UTC',
})

/** Whether the folder holds a whole cluster. */
export const isCluster = (folder: string): boolean => existsSync(path.join(folder, 'PG_VERSION'))

/**
 * `<data>/postgres`, or, where the server's account cannot enter the data folder, a folder below /var/lib/wayleave that
 * `<data>/postgres.location` names. The pair refers to each other, so that a copied data folder is noticed.
 */
export function clusterFolder(dataDir: string, account: Account | undefined): string {
  const own = path.join(dataDir, 'postgres')
  const reachable = account === undefined || canEnter(account, dataDir)
  if (isCluster(own) && reachable) return own
  const pointer = pointerOf(dataDir)
  const named = readPointer(dataDir)
  if (named !== undefined) {
    const owner = existsSync(`${named}.owner`) ? readFileSync(`${named}.owner`, 'utf8') : dataDir
    if (owner !== dataDir) {
      throw new Error(
        `${pointer} names ${named}, which belongs to ${owner}. Remove ${pointer} to begin with an empty database.`,
      )
    }
    return named
  }
  if (reachable) return own
  if (isCluster(own)) {
    throw new Error(
      `the account ${account.name}, which PostgreSQL runs as, cannot enter ${dataDir} any more: let it pass (chmod o+x on each folder above), or move the data`,
    )
  }
  const folder = path.join(systemFolder, 'clusters', randomBytes(8).toString('hex'))
  mkdirSync(path.dirname(folder), { recursive: true })
  for (const part of [systemFolder, path.dirname(folder)]) chmodSync(part, 0o755)
  writeFileSync(`${folder}.owner`, dataDir, { mode: 0o644 })
  writeFileSync(pointer, `${JSON.stringify({ folder })}\n`, { mode: 0o644 })
  return folder
}

const pointerOf = (dataDir: string): string => path.join(dataDir, 'postgres.location')

function readPointer(dataDir: string): string | undefined {
  const pointer = pointerOf(dataDir)
  if (!existsSync(pointer)) return undefined
  try {
    const { folder } = JSON.parse(readFileSync(pointer, 'utf8')) as { folder?: unknown }
    if (typeof folder === 'string') return folder
  } catch {
    // It says nothing: told below.
  }
  throw new Error(
    `${pointer} is damaged: it should say {"folder": "${systemFolder}/clusters/…"}; the .owner files there name this folder`,
  )
}

/** Every folder in which a server of this data folder may run. */
export function clusterFolders(dataDir: string): string[] {
  const moved = readPointer(dataDir)
  return [path.join(dataDir, 'postgres'), ...(moved === undefined ? [] : [moved])]
}

const passwordFile = (dataDir: string): string => path.join(dataDir, 'secrets', 'postgres.password')

/** The superuser's password, when there is a usable one. */
export function readPassword(dataDir: string): string | undefined {
  try {
    const text = readFileSync(passwordFile(dataDir), 'utf8').trim()
    return /^[\w-]{20,200}$/.test(text) ? text : undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** The superuser's password; made when there is none. */
export function ensurePassword(dataDir: string): string {
  const kept = readPassword(dataDir)
  if (kept !== undefined) return kept
  const file = passwordFile(dataDir)
  mkdirSync(path.dirname(file), { recursive: true })
  chmodSync(path.dirname(file), 0o700)
  const made = randomBytes(24).toString('base64url')
  writeFileSync(`${file}.new`, made, { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return made
}

type Place = { native: string; folder: string; account: Account | undefined }

/** Gives the superuser this password, by the server's single-user mode: no server may run on the folder. */
export function setPassword(place: Place, password: string): void {
  const done = spawnSync(
    path.join(place.native, 'bin', 'postgres'),
    ['--single', '-D', place.folder, 'postgres'],
    {
      ...identity(place.account),
      cwd: '/',
      env: serverEnvironment(),
      encoding: 'utf8',
      input: `alter role ${superuser} password '${password}'\n`,
    },
  )
  if (done.status !== 0)
    throw new Error(`the password of the embedded PostgreSQL could not be set: ${done.stderr}`)
}

/** As root: a cluster that was copied or handed over becomes the account's, which the server demands. */
export function takeOwnership(folder: string, account: Account | undefined): void {
  if (account === undefined || statSync(folder).uid === account.uid) return
  spawnSync('chown', ['-R', `${account.uid}:${account.gid}`, folder], { stdio: 'ignore' })
}

/** Makes the cluster beside its place and moves it there when it is whole, so that a kill leaves no half of one. */
export async function initialise(
  place: Place,
  password: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { folder, account } = place
  removeUnfinished(folder)
  const temporary = `${folder}.new-${randomBytes(4).toString('hex')}`
  mkdirSync(temporary, { mode: 0o700 })
  const given = `${folder}.password`
  try {
    writeFileSync(given, password, { mode: 0o600 })
    if (account !== undefined) {
      chownSync(temporary, account.uid, account.gid)
      chownSync(given, account.uid, account.gid)
    }
    const made = await runInitdb(place, temporary, given, signal)
    signal?.throwIfAborted()
    if (made.said.includes('No space left on device'))
      throw new Error(
        `there is no space left on the disk of ${folder}: PostgreSQL needs 100 MB at first`,
      )
    if (made.code !== 0)
      throw new Error(`PostgreSQL could not make its data folder ${folder}: ${made.said.trim()}`)
  } catch (error) {
    rmSync(temporary, { recursive: true, force: true })
    throw error
  } finally {
    rmSync(given, { force: true })
  }
  rmSync(folder, { recursive: true, force: true })
  renameSync(temporary, folder)
}

/** What a killed start left, whose initdb may still be at work there: it fails, and does not meet ours. */
function removeUnfinished(folder: string): void {
  for (const name of readdirSync(path.dirname(folder))) {
    if (name.startsWith(`${path.basename(folder)}.new-`))
      rmSync(path.join(path.dirname(folder), name), { recursive: true, force: true, maxRetries: 5 })
  }
}

function runInitdb(
  place: Place,
  folder: string,
  given: string,
  signal: AbortSignal | undefined,
): Promise<{ code: number | null; said: string }> {
  const child = spawn(
    path.join(place.native, 'bin', 'initdb'),
    [
      ...['-D', folder, '-U', superuser, `--pwfile=${given}`, '--auth=scram-sha-256'],
      ...['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C'],
    ],
    {
      ...identity(place.account),
      cwd: '/',
      env: serverEnvironment(),
      // A group of its own: Ctrl-C in the terminal is ours to pass on.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  )
  const { promise, resolve } = Promise.withResolvers<{ code: number | null; said: string }>()
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString()
  })
  const abort = (): void => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  signal?.addEventListener('abort', abort, { once: true })
  child.once('error', (error) => resolve({ code: null, said: error.message }))
  child.once('close', (code) => {
    signal?.removeEventListener('abort', abort)
    resolve({ code, said })
  })
  return promise
}
