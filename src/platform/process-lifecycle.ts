import type { Log } from './log.ts'

/**
 * Something that is stopped in an orderly way: servers finish what they have begun, writers flush.
 * @public
 */
export interface Stoppable {
  stop(): Promise<void>
}

/**
 * Ends the process in an orderly way on SIGTERM or SIGINT, when the supervisor is gone, or after a fault that nothing
 * handled. A second signal more than a second after the first ends it at once.
 * @public
 */
export function superviseProcess(options: {
  log: Log
  stop: () => Promise<void>
  deadlineMs?: number
}): void {
  const { log } = options
  let stoppingSince: number | undefined
  const end = async (reason: string, exitCode: number): Promise<void> => {
    if (stoppingSince !== undefined) {
      // npm passes on the signal that the terminal sent to the whole group already: that is one Ctrl-C, not two.
      if (performance.now() - stoppingSince > 1_000) process.exit(exitCode === 0 ? 130 : exitCode)
      return
    }
    stoppingSince = performance.now()
    log.info({ reason }, 'stopping')
    const deadline = setTimeout(() => {
      log.error({ reason }, 'stopping took too long; ended')
      process.exit(1)
    }, options.deadlineMs ?? 25_000)
    try {
      await options.stop()
    } catch (error) {
      log.error({ err: error }, 'stopping failed')
      process.exit(1)
    }
    clearTimeout(deadline)
    process.exit(exitCode)
  }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => void end(signal, 0))
  process.on('disconnect', () => void end('the supervisor is gone', 0))
  // It may have gone while this process was still loading, before anything listened.
  if (process.connected === false) void end('the supervisor is gone', 0)
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'unhandled fault')
    void end('unhandled fault', 1)
  })
  process.on('unhandledRejection', (error) => {
    log.fatal({ err: error }, 'unhandled rejection')
    void end('unhandled rejection', 1)
  })
}
