import type { OperationPolicy } from '../gateway-context.ts'
import { refuse } from '../refusal.ts'

/**
 * Every rate of the contract, shared by all its applications and credentials; a refused call takes no place.
 * @public
 */
export const limitRate: OperationPolicy = (context) => ({
  name: 'limit-rate',
  apply(exchange) {
    const { contract } = exchange
    if (contract === undefined) return undefined
    const monotonicMs = context.monotonicMs()
    const use = context.contractLimits.of(contract, context.nowMs(), monotonicMs)
    exchange.use = use
    const waitMs = use.takeRate(monotonicMs)
    if (waitMs === 0) return undefined
    const limits = contract.rate.map((r) => `${r.limit} in ${r.windowSeconds} s`).join(', ')
    return refuse('TOO_MANY_REQUESTS', `The contract allows ${limits}.`, {
      headers: ['retry-after', String(Math.ceil(waitMs / 1_000))],
    })
  },
})
