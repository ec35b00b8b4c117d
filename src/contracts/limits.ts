/** At most `limit` calls in any window of this length. @public */
export type RateLimit = { limit: number; windowSeconds: number }

/** Spike arrest: at most `limit` calls in any stretch of so many milliseconds, 100 to 10 000. @public */
export type Spike = { limit: number; windowMs: number }

/** At most `limit` calls in a day or month of the contract's time zone. @public */
export type Quota = { limit: number; period: 'day' | 'month' }
