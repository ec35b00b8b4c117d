/** At most `limit` calls in any window of this length. @public */
export type RateLimit = { limit: number; windowSeconds: number }

/** At most `limit` calls in a day or month of the contract's time zone. @public */
export type Quota = { limit: number; period: 'day' | 'month' }
