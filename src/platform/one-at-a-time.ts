/**
 * Runs works in the order in which they come, each when the one before it has ended, however it did. It is a courtesy and
 * no lock: one that hangs, such as on a connection that nobody answers, holds the others up for no longer than `longestMs`.
 * @public
 */
export function oneAtATime(longestMs: number): <R>(work: () => Promise<R>) => Promise<R> {
  let last: Promise<void> = Promise.resolve()
  return async (work) => {
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    await before
    const timer = setTimeout(resolve, longestMs)
    try {
      return await work()
    } finally {
      clearTimeout(timer)
      resolve()
    }
  }
}
