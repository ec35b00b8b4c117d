import { spawnSync } from 'node:child_process'

/** An account of this machine that is not root. */
export type Account = { name: string; uid: number; gid: number }

/**
 * The account that PostgreSQL runs as when we are root: `wayleave`, made when it is missing; where no account can be
 * made, `nobody`.
 */
export function unprivilegedAccount(): Account {
  const existing = accountNamed('wayleave')
  if (existing !== undefined) return existing
  const attempts: [string, string[]][] = [
    [
      'useradd',
      ['--system', '--user-group', '--no-create-home', '--shell', '/usr/sbin/nologin', 'wayleave'],
    ],
    ['adduser', ['-S', '-D', '-H', 'wayleave']],
  ]
  for (const [command, args] of attempts) {
    spawnSync(command, args, { stdio: 'ignore' })
    const made = accountNamed('wayleave')
    if (made !== undefined) return made
  }
  const nobody = accountNamed('nobody')
  if (nobody !== undefined) return nobody
  throw new Error(
    'PostgreSQL does not run as root, and no unprivileged account could be made: start as another user, or set DATABASE_URL',
  )
}

function accountNamed(name: string): Account | undefined {
  const number = (flag: string): number => {
    const shown = spawnSync('id', [flag, name], { encoding: 'utf8' })
    return shown.status === 0 ? Number(shown.stdout.trim()) : Number.NaN
  }
  const uid = number('-u')
  const gid = number('-g')
  return Number.isInteger(uid) && Number.isInteger(gid) && uid > 0 ? { name, uid, gid } : undefined
}

/** The name of an account for a person; its number where there is none. */
export function accountName(uid: number): string {
  const shown = spawnSync('id', ['-nu', String(uid)], { encoding: 'utf8' })
  return shown.status === 0 ? shown.stdout.trim() : String(uid)
}

/** Whether this account can pass through a folder: asked of the kernel, because modes alone do not tell. */
export function canEnter(account: Account, folder: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], as(account)).status === 0
}

/** Whether a program runs, as this account or as we are: it may not be reached, or lack a library. */
export function canRun(account: Account | undefined, program: string): boolean {
  return spawnSync(program, ['--version'], as(account)).status === 0
}

const as = (account: Account | undefined) => ({
  ...(account === undefined ? {} : { uid: account.uid, gid: account.gid }),
  cwd: '/',
  stdio: 'ignore' as const,
})
