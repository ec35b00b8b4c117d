import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { processCommand } from './process-command.ts'

/**
 * Why a port of an address cannot be bound now, as the code of the system's error; undefined when it can.
 * @public
 */
export function portFault(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message)
    })
    probe.listen(port, host, () => {
      probe.close(() => {
        resolve(undefined)
      })
    })
  })
}

/**
 * Who listens on a port, as far as this account may see.
 * @public
 */
export function portOwner(port: number): { pid: number; command: string } | undefined {
  return process.platform === 'linux' ? ownerFromProc(port) : ownerFromLsof(port)
}

function ownerFromProc(port: number): { pid: number; command: string } | undefined {
  const inodes = new Set(['tcp', 'tcp6'].flatMap((table) => listeningInodes(table, port)))
  if (inodes.size === 0) return undefined
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid)) continue
    if (holdsInode(pid, inodes)) return { pid, command: processCommand(pid) ?? '' }
  }
  return undefined
}

function listeningInodes(table: string, port: number): string[] {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  try {
    return readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === '0A' && fields[1]?.endsWith(wanted) === true)
      .map((fields) => fields[9] ?? '')
  } catch {
    return []
  }
}

function holdsInode(pid: number, inodes: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        const link = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))
        return link?.[1] !== undefined && inodes.has(link[1])
      } catch {
        return false
      }
    })
  } catch {
    return false
  }
}

function ownerFromLsof(port: number): { pid: number; command: string } | undefined {
  const shown = spawnSync('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
    encoding: 'utf8',
  })
  const pid = /^p(\d+)$/m.exec(shown.stdout ?? '')?.[1]
  const command = /^c(.+)$/m.exec(shown.stdout ?? '')?.[1]
  return pid === undefined ? undefined : { pid: Number(pid), command: command ?? '' }
}
