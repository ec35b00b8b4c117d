/** At most `limit` calls in any window of this length. @public */
export type RateLimit = { limit: number; windowSeconds: number }

/** Spike arrest: at most `limit` calls in any stretch of so many milliseconds, 100 to 10 000. @public */
export type Spike = { limit: number; windowMs: number }

/** At most `limit` calls in a day or month of the contract's time zone. @public */
export type Quota = { limit: number; period: 'day' | 'month' }

/** What a contract may use, all of it; what is absent is not limited. */
export type Limits = {
  rate: RateLimit[]
  quota?: Quota
  spike?: Spike
  /** calls that may be under way at the same moment */
  concurrency?: number
}

/** For the record of an action: `50 in 1 s`. */
export function limitsInWords(limits: Limits): Record<string, string> {
  const { rate, quota, spike, concurrency } = limits
  return {
    rate: rate.map((one) => `${one.limit} in ${one.windowSeconds} s`).join(', '),
    ...(quota !== undefined && { quota: `${quota.limit} a ${quota.period}` }),
    ...(spike !== undefined && { spike: `${spike.limit} in ${spike.windowMs} ms` }),
    ...(concurrency !== undefined && { concurrency: String(concurrency) }),
  }
}
