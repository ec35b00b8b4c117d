import type { Log } from '#platform/log'

type Job = { name: string; everyMs: number; run: () => Promise<unknown> }

/**
 * Periodic housekeeping of this process. Each job may run in any number of processes at once, and one that fails is
 * tried again at its next turn: nothing that must not be lost is done here.
 */
export function startJobs(log: Log, jobs: readonly Job[]): { stop(): Promise<void> } {
  let stopped = false
  const running = new Set<Promise<void>>()
  const timers = new Set<NodeJS.Timeout>()
  const schedule = (job: Job, inMs: number): void => {
    const timer = setTimeout(() => {
      timers.delete(timer)
      const turn = runJob(log, job).finally(() => {
        running.delete(turn)
        if (!stopped) schedule(job, job.everyMs)
      })
      running.add(turn)
    }, inMs)
    timer.unref()
    timers.add(timer)
  }
  for (const job of jobs) schedule(job, Math.min(job.everyMs, 30_000))
  return {
    async stop() {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}

async function runJob(log: Log, job: Job): Promise<void> {
  try {
    await job.run()
  } catch (error) {
    log.error({ job: job.name, err: error }, 'a periodic job failed')
  }
}
