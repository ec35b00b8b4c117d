import { readFileSync } from 'node:fs'

/** The process of a running product that was started with these arguments, such as `gateway --environment sandbox`. */
export function pidOf(pids: readonly number[], ...args: readonly string[]): number | undefined {
  return pids.find((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
      return args.every((arg) => command.includes(arg))
    } catch {
      return false
    }
  })
}

/** The processes that this one started. */
export function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}
