import { Worker } from 'node:worker_threads'
import type { ApiFiles, CheckResult } from './check-api.ts'

/** Checks files beside the process, one at a time. */
export interface Checker {
  /**
   * Never rejects because of what is in the files.
   * @see checkApi for what `now` is
   */
  check(files: ApiFiles, now?: Date): Promise<CheckResult>
  close(): Promise<void>
}

export type CheckQuestion = { files: ApiFiles; now: Date | undefined }
export type CheckAnswer = { ready: true } | { result: CheckResult } | { error: string }

const startMs = 30_000

/**
 * Runs checks in a thread of their own: a document may hold a regular expression that never ends, or be made to fill
 * the memory. The thread is ended when it takes too long, and a while after its last work, with all that it has cached.
 */
export function createChecker(options: { timeoutMs?: number; idleMs?: number } = {}): Checker {
  const timeoutMs = options.timeoutMs ?? 10_000
  const idleMs = options.idleMs ?? 5_000
  let worker: Worker | undefined
  /** the thread that has loaded its code */
  let started: Worker | undefined
  let idle: NodeJS.Timeout | undefined
  let queue: Promise<unknown> = Promise.resolve()

  function end(): Promise<number> | undefined {
    const ended = worker
    worker = undefined
    return ended?.terminate()
  }

  function start(): Worker {
    const made = new Worker(new URL('./check-worker.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 256 },
    })
    made.once('exit', () => {
      if (worker === made) worker = undefined
    })
    worker = made
    return made
  }

  async function run(files: ApiFiles, now: Date | undefined): Promise<CheckResult> {
    clearTimeout(idle)
    const running = worker ?? start()
    running.ref()
    // A check is not charged for the loading of its code.
    const loaded = started === running ? { ready: true } : await answerOf(running, startMs)
    if (loaded === undefined || 'error' in loaded) {
      await end()
      throw new Error('the checking thread does not start', { cause: loaded?.error })
    }
    started = running
    running.postMessage({ files, now } satisfies CheckQuestion)
    const answer = await answerOf(running, timeoutMs)
    if (answer !== undefined && 'result' in answer) {
      // An idle thread holds up neither the end of the process nor its memory.
      running.unref()
      idle = setTimeout(() => void end(), idleMs).unref()
      return answer.result
    }
    await end()
    const message =
      answer !== undefined && 'error' in answer
        ? `cannot be checked: ${answer.error}`
        : `takes longer than ${timeoutMs / 1_000} s to check: look for a regular expression with nested repetitions`
    return refusal(files, message)
  }

  return {
    check(files, now) {
      const next = queue.then(() => run(files, now))
      queue = next.catch(() => undefined)
      return next
    },
    async close() {
      await queue
      clearTimeout(idle)
      await end()
    },
  }
}

function refusal(files: ApiFiles, message: string): CheckResult {
  const file = files.documentName ?? 'openapi.yaml'
  return {
    ok: false,
    faults: [{ file, line: 1, column: 1, path: '#', message }],
    warnings: [],
    notes: [],
  }
}

/** @returns undefined when there was no answer in time */
function answerOf(worker: Worker, timeoutMs: number): Promise<CheckAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<CheckAnswer | undefined>()
  const onMessage = (answer: CheckAnswer): void => resolve(answer)
  const onError = (error: unknown): void =>
    resolve({ error: error instanceof Error ? error.message : String(error) })
  const onExit = (): void => resolve({ error: 'the thread ended' })
  const timer = setTimeout(() => resolve(undefined), timeoutMs)
  worker.once('message', onMessage).once('error', onError).once('exit', onExit)
  return promise.finally(() => {
    clearTimeout(timer)
    worker.off('message', onMessage).off('error', onError).off('exit', onExit)
  })
}
