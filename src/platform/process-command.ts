import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/**
 * The command line of a living process, as far as this account may see; undefined when there is none of this number.
 * @public
 */
export function processCommand(pid: number): string | undefined {
  if (process.platform === 'linux') {
    try {
      // A zombie has ended: only its parent has not asked how yet.
      if (/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) return undefined
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    } catch {
      return undefined
    }
  }
  const shown = spawnSync('ps', ['-o', 'stat=,command=', '-p', String(pid)], { encoding: 'utf8' })
  const line = shown.stdout?.trim() ?? ''
  return line === '' || line.startsWith('Z') ? undefined : line
}
