import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '#platform/config'
import { processCommand } from '#platform/process-command'

/** What `data/run.json` tells of the product that runs on the folder. */
type RunFile = { pid: number; portal: string; folder: string; children: number[] }

const fileOf = (config: Config): string => path.join(config.dataDir, 'run.json')

export function writeRunFile(config: Config, children: number[]): void {
  const { dataDir: folder, portal } = config
  const content: RunFile = { pid: process.pid, portal: portal.url, folder, children }
  // By rename: who reads it at this moment, or after a kill, finds one whole or the other.
  writeFileSync(`${fileOf(config)}.new`, `${JSON.stringify(content)}\n`, { mode: 0o644 })
  renameSync(`${fileOf(config)}.new`, fileOf(config))
}

export const removeRunFile = (config: Config): void => rmSync(fileOf(config), { force: true })

/** Undefined also when the file tells of another folder, which this one is a copy of. */
export function readRunFile(config: Config): RunFile | undefined {
  try {
    const run = JSON.parse(readFileSync(fileOf(config), 'utf8')) as RunFile
    return run.folder === config.dataDir ? run : undefined
  } catch {
    return undefined
  }
}

/** The caller holds the folder, so roles that a killed supervisor left behind belong to nobody: they end now. */
export async function endLeftovers(config: Config): Promise<void> {
  const ours = (pid: number): boolean => isRoleOn(pid, config.dataDir)
  const left = (readRunFile(config)?.children ?? []).filter(ours)
  for (let waited = 0; left.some(ours); waited += 50) {
    if (waited === 0) for (const pid of left) kill(pid, 'SIGTERM')
    if (waited === 5_000) for (const pid of left.filter(ours)) kill(pid, 'SIGKILL')
    if (waited > 10_000) return
    await delay(50)
  }
}

/** A number may have been given to another process since, even to a role of another installation. */
function isRoleOn(pid: number, dataDir: string): boolean {
  if (processCommand(pid)?.includes(`${path.sep}src${path.sep}main.ts`) !== true) return false
  if (process.platform !== 'linux') return true
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return variables.includes(`WAYLEAVE_DATA_DIR=${dataDir}`)
  } catch {
    return false
  }
}

export function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended.
  }
}
