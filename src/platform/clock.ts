/**
 * The present, passed in so that tests can choose it.
 * @public
 */
export interface Clock {
  now(): Date
}

/** @public */
export const systemClock: Clock = { now: () => new Date() }

/**
 * A clock that stands still until it is moved.
 * @public
 */
export function manualClock(start: string): Clock & { advance(ms: number): void } {
  let time = Date.parse(start)
  return {
    now: () => new Date(time),
    advance: (ms) => {
      time += ms
    },
  }
}
