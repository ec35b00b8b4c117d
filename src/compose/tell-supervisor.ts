import type { ChildMessage } from './supervisor.ts'

/** Tells the supervisor, when this process has one. */
export function tellSupervisor(message: ChildMessage): void {
  process.send?.(message)
}
