import { type Exchange, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { ContractUse, LimitRefusal } from '../limits/contract-use.ts'
import type { Operation } from '../operation.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'

/** how long a call waits for the other gateways at most, when one of them has to give up deciding alone first */
const longestWaitMs = 2_500

/**
 * Spike arrest, every rate of the contract and of the API where it sets its own for each contract, and the calls under
 * way, all shared by the contract's applications. A call takes as much as the operation weighs; a refused one takes
 * nothing.
 * @public
 */
export const limitRate: OperationPolicy = (context, operation) => {
  const weight = operation.documented.terms?.weight ?? 1
  const { api } = operation
  return {
    name: 'limit-rate',
    apply(exchange) {
      const { contract } = exchange
      if (contract === undefined) return undefined
      const nowMs = context.monotonicMs()
      const use = context.contractLimits.of(contract, exchange.at, nowMs)
      exchange.use = use
      const outcome = use.enter(nowMs, weight, api)
      if (outcome !== 'ask') return settled(exchange, use, operation, outcome)
      use.wait({
        weight,
        api,
        untilMs: nowMs + longestWaitMs,
        gone: () => exchange.settled,
        done: (later) => resume(context, exchange, use, operation, later),
      })
      return pending
    },
  }
}

function resume(
  context: GatewayContext,
  exchange: Exchange,
  use: ContractUse,
  operation: Operation,
  refused: LimitRefusal | undefined,
): void {
  try {
    exchange.resume(settled(exchange, use, operation, refused))
  } catch (error) {
    context.log.error({ err: error, exchange: exchange.id }, 'an exchange broke')
  }
}

function settled(
  exchange: Exchange,
  use: ContractUse,
  operation: Operation,
  refused: LimitRefusal | undefined,
): Refusal | undefined {
  if (refused !== undefined) return refusalOf(use, operation, refused)
  exchange.holdsSlot = use.contract.concurrency !== undefined
  return undefined
}

function refusalOf(use: ContractUse, operation: Operation, refused: LimitRefusal): Refusal {
  const { contract } = use
  const headers = ['retry-after', String(Math.max(1, Math.ceil(refused.waitMs / 1_000)))]
  switch (refused.kind) {
    case 'rate':
      return refuse('TOO_MANY_REQUESTS', `The contract allows ${ratesOf(use, operation)}.`, {
        headers,
      })
    case 'spike':
      return refuse(
        'TOO_MANY_REQUESTS',
        `The contract allows bursts of ${contract.spike?.limit} in ${contract.spike?.windowMs} ms. Spread the calls.`,
        { headers },
      )
    case 'concurrency':
      return refuse(
        'TOO_MANY_REQUESTS',
        `The contract allows ${contract.concurrency} calls under way at the same moment.`,
        { headers },
      )
    case 'never':
      // No Retry-After: to wait is of no use.
      return refuse(
        'TOO_MANY_REQUESTS',
        `A call of this operation counts ${operation.documented.terms?.weight}, and the contract allows ${refused.window?.limit} in ${inWords(refused.window?.windowMs ?? 0)}: it can never pass. A larger plan is needed.`,
      )
    case 'unknown':
      return refuseForNow('The limits of the contract cannot be checked at the moment.', {
        reason: 'the limit store did not answer',
      })
  }
}

function ratesOf({ contract }: ContractUse, { api }: Operation): string {
  const list = (rates: NonNullable<typeof api.rate>): string =>
    rates.map((r) => `${r.limit} in ${r.windowSeconds} s`).join(', ')
  const own =
    api.rate === undefined || api.rate.length === 0 ? '' : `${list(api.rate)} of ${api.id}`
  return [list(contract.rate), own].filter((part) => part !== '').join(', and ')
}

const inWords = (windowMs: number): string =>
  windowMs % 1_000 === 0 ? `${windowMs / 1_000} s` : `${windowMs} ms`
