import { existsSync, mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

const memory = '/dev/shm'
const prefix = 'wayleave-tests-'
const gib = 1024 ** 3
/** what the databases of a whole run take at most, and as much again for everything else */
const needs = { free: 6 * gib, available: 12 * gib }

/**
 * A new folder for the databases of the tests. A run copies one of 12 MB for nearly every test and throws it away: where
 * there is memory in plenty they never see a disk. What killed runs left behind there goes first.
 */
export function databaseFolder(): string {
  return mkdtempSync(path.join(isRoomy() ? memory : tmpdir(), `${prefix}${process.pid}-`))
}

function isRoomy(): boolean {
  if (!existsSync(memory)) return false
  for (const name of readdirSync(memory)) {
    const pid = Number(/^wayleave-tests-(\d+)-/.exec(name)?.[1] ?? process.pid)
    if (!isRunning(pid)) rmSync(path.join(memory, name), { recursive: true, force: true })
  }
  const { bavail, bsize } = statfsSync(memory)
  return bavail * bsize >= needs.free && process.availableMemory() >= needs.available
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
