import type { Log } from '#platform/log'
import type { SnapshotFollower } from '#snapshot'

const spacingMs = 50
const longestWaitMs = 1_000

/** Asks the change feed for what a request misses: a client, a key or a subscription of a moment ago. */
export interface Feed {
  /**
   * Reads until `found` says so, at least once and for at most `withinMs`, and calls back in any case. A read that
   * began earlier may have missed the change, so each call waits for one that begins after it.
   */
  lookFor(found: () => boolean, withinMs: number, done: () => void): void
}

export function createFeed(
  follower: Pick<SnapshotFollower, 'catchUp'>,
  log: Log,
  monotonicMs: () => number,
): Feed {
  let next: Promise<void> | undefined
  let last: Promise<void> = Promise.resolve()
  let lastStartMs = Number.NEGATIVE_INFINITY

  /** One read that begins from now on; all who ask before it begins share it. */
  const read = (): Promise<void> => {
    next ??= last.then(async () => {
      const waitMs = lastStartMs + spacingMs - monotonicMs()
      if (waitMs > 0)
        await new Promise((resolve) => {
          setTimeout(resolve, waitMs)
        })
      next = undefined
      lastStartMs = monotonicMs()
      last = inTime(follower.catchUp()).catch((error: unknown) => {
        log.debug({ err: error }, 'the snapshot could not be caught up')
      })
      await last
    })
    return next
  }

  return {
    lookFor(found, withinMs, done) {
      const endMs = monotonicMs() + withinMs
      const step = (): void => {
        if (found() || monotonicMs() >= endMs) done()
        else void read().then(step)
      }
      void read().then(step)
    },
  }
}

/** A database that hangs must not hold requests: what is known by then decides. */
function inTime(work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = setTimeout(late.resolve, longestWaitMs)
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
