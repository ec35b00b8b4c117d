import type { Exchange } from '../exchange.ts'
import type { GatewayContext } from '../gateway-context.ts'
import type { Claim } from './idempotency-claim.ts'
import { sealAnswer } from './kept-answer.ts'
import type { Settlement } from './payload-store.ts'

/** answers of an upstream that mean that it did nothing, so that the same request may be sent again */
const didNothing = new Set([400, 401, 403, 429, 503])

/**
 * What becomes of the place of a request with an Idempotency-Key, now that its answer is decided: given up when nothing
 * was done, filled with the answer when the upstream gave one, and left as unknown when nobody can tell.
 * @public
 */
export function settlementOf(
  context: GatewayContext,
  claim: Claim,
  exchange: Exchange,
): Settlement {
  if (claim.state === 'started' || !exchange.reached) return { state: 'released' }
  const { upstream } = exchange
  if (upstream === undefined) return unknownOf(claim)
  if (didNothing.has(upstream.status)) return { state: 'released' }
  // The thing is there, and the gateway could not do its own part: the answer is not the one to give for a day.
  if (exchange.status === 503) return unknownOf(claim)
  exchange.idempotency = 'kept'
  return { state: 'done', answer: sealAnswer(context.sealing, claim, exchange) }
}

/**
 * Nobody does it again; what does no harm when it is done twice may be sent again.
 * @public
 */
export const unknownOf = (claim: Claim): Settlement => ({
  state: claim.repeatable ? 'released' : 'unknown',
})

const againMs = [200, 1_000, 5_000, 15_000]

/**
 * Writes it down before the answer leaves. Where that fails the answer leaves all the same: until it is written, the next
 * request with this key is told that the outcome is unknown, and nothing is done twice.
 * @public
 */
export async function settleClaim(
  context: GatewayContext,
  claim: Claim,
  settlement: Settlement,
): Promise<void> {
  try {
    await context.payloads.settle(claim, settlement)
  } catch {
    again(context, claim, settlement, 0)
  }
}

function again(
  context: GatewayContext,
  claim: Claim,
  settlement: Settlement,
  attempt: number,
): void {
  const waitMs = againMs[attempt]
  if (waitMs === undefined) {
    context.log.warn({ operation: claim.operation }, 'the outcome of a write could not be kept')
    return
  }
  setTimeout(() => {
    context.payloads
      .settle(claim, settlement)
      .catch(() => again(context, claim, settlement, attempt + 1))
  }, waitMs).unref()
}
