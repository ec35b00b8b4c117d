/**
 * What comes in time, or a failure. When this process itself was busy past the time, what has arrived meanwhile is read
 * first: a late reader must not take the other side for dead.
 * @throws what the work throws, or an error that says that `what` did not answer in time
 * @public
 */
export async function within<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>()
  let soon: NodeJS.Immediate | undefined
  const timer = setTimeout(() => {
    soon = setImmediate(() => late.reject(new Error(`${what} did not answer in time`)))
  }, ms)
  // It goes on without anybody who listens when it is late.
  work.catch(() => undefined)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    clearTimeout(timer)
    clearImmediate(soon)
  }
}
