import type { ApiEntry, RateLimit } from '#snapshot'
import type { OperationPolicy } from '../gateway-context.ts'
import { refuse } from '../refusal.ts'

/**
 * Every rate of the contract, and of the API where it sets its own for each contract, shared by all its applications and credentials; a refused call takes no place.
 * @public
 */
export const limitRate: OperationPolicy = (context, { api }) => ({
  name: 'limit-rate',
  apply(exchange) {
    const { contract } = exchange
    if (contract === undefined) return undefined
    const monotonicMs = context.monotonicMs()
    const use = context.contractLimits.of(contract, context.nowMs(), monotonicMs)
    exchange.use = use
    const waitMs = use.takeRate(monotonicMs, api)
    if (waitMs === 0) return undefined
    return refuse('TOO_MANY_REQUESTS', `The contract allows ${describe(contract.rate, api)}.`, {
      headers: ['retry-after', String(Math.ceil(waitMs / 1_000))],
    })
  },
})

function describe(rate: readonly RateLimit[], api: ApiEntry): string {
  const list = (rates: readonly RateLimit[]): string =>
    rates.map((r) => `${r.limit} in ${r.windowSeconds} s`).join(', ')
  if (api.rate === undefined || api.rate.length === 0) return list(rate)
  return [list(rate), `${list(api.rate)} of ${api.id}`].filter((part) => part !== '').join(', and ')
}
