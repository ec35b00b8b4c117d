import { type Exchange, pending } from '../exchange.ts'
import type { OperationPolicy } from '../gateway-context.ts'
import type { QuotaAnswer } from '../limits/contract-quota.ts'
import type { ContractUse } from '../limits/contract-use.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'

/**
 * The contract's quota of the day or month, in the contract's time zone. A call takes as much as the operation weighs,
 * whole or not at all; it is given back when the call comes to nothing: refused by a later rule, or failed upstream.
 * @public
 */
export const limitQuota: OperationPolicy = (context, { documented }) => {
  const weight = documented.terms?.weight ?? 1
  return {
    name: 'limit-quota',
    apply(exchange) {
      const { use } = exchange
      const quota = use?.quota
      if (use === undefined || quota === undefined) return undefined
      // No Retry-After: to wait is of no use.
      if (weight > quota.limit)
        return refuse(
          'QUOTA_EXCEEDED',
          `A call of this operation counts ${weight}, and the contract's quota is ${quota.limit}: it can never pass. A larger plan is needed.`,
        )
      const nowMs = context.nowMs()
      const answer = quota.take(nowMs, weight)
      if (answer !== 'ask') return outcomeOf(answer, use, exchange, weight, nowMs)
      const later = (known: QuotaAnswer): void => {
        const refusal = outcomeOf(known, use, exchange, weight, context.nowMs())
        // The client may have left while the ledger was asked.
        if (exchange.settled) giveBackQuota(exchange)
        else exchange.resume(refusal)
      }
      quota.ask(nowMs, later, weight)
      return pending
    },
  }
}

/**
 * Undoes what `limit-quota` took.
 * @public
 */
export function giveBackQuota(exchange: Exchange): void {
  if (exchange.quotaUnit === undefined) return
  exchange.use?.quota?.giveBack(exchange.quotaUnit)
  exchange.quotaUnit = undefined
}

function outcomeOf(
  answer: QuotaAnswer,
  use: ContractUse,
  exchange: Exchange,
  weight: number,
  nowMs: number,
): Refusal | undefined {
  const { quota } = use
  switch (answer) {
    case 'granted':
      exchange.quotaUnit = quota?.unit(weight)
      return undefined
    case 'exhausted': {
      const period = use.contract.quota?.period ?? 'month'
      const seconds = Math.max(1, Math.ceil((quota?.untilResetMs(nowMs) ?? 0) / 1_000))
      return refuse(
        'QUOTA_EXCEEDED',
        `The contract's quota of ${quota?.limit} calls a ${period} is used.`,
        {
          headers: ['retry-after', String(seconds)],
        },
      )
    }
    case 'unavailable':
      return refuseForNow('The quota of the contract cannot be checked at the moment.')
  }
}
