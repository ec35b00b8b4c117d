import { parentPort } from 'node:worker_threads'
import { checkApi } from './check-api.ts'
import type { CheckAnswer, CheckQuestion } from './checker.ts'

/** The thread of `checker.ts`: one message in, one out. */
parentPort?.on('message', ({ files, now }: CheckQuestion) => {
  checkApi(files, now).then(
    (result) => answer({ result }),
    (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
  )
})

const answer = (message: CheckAnswer): void => parentPort?.postMessage(message)

answer({ ready: true })
