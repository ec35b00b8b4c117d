import { type Exchange, pending, type UpstreamResponse } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { subjectRuleOf } from '../payload/subject-rule.ts'
import { cacheKeyOf } from '../upstreams/cache-key.ts'
import type { KeptResponse } from '../upstreams/response-cache.ts'
import { SingleFlight } from '../upstreams/single-flight.ts'
import { isSafe } from './forward.ts'
import { isParameter } from './validate-parameters.ts'

/**
 * Answers that the product lets stand for a while are given again to the same application of the same contract for the
 * same subject and request. The call is authenticated, authorised, limited, checked, masked, written down and billed as
 * any other: only the upstream is spared. What is about a person is not kept unless the product says so itself.
 * @public
 */
export const cache: OperationPolicy = (context, operation) => {
  if (keptSeconds(operation) === 0) return undefined
  context.responses.forget(operation.api.id)
  const { documented, api } = operation
  const timeoutMs = documented.terms?.timeoutMs ?? api.upstream.timeoutMs
  const flights = new SingleFlight(context.monotonicMs)
  const headerNames = documented.parameters
    .filter((p) => p.in === 'header' && isParameter(p))
    .map((p) => p.name.toLowerCase())
  const counted = (result: Parameters<GatewayContext['upstreamMetrics']['cached']>[2]): void =>
    context.upstreamMetrics.cached(api.id, documented.operationId, result)

  const goOn = (exchange: Exchange): void => {
    const { cacheKey } = exchange
    const nowMs = context.monotonicMs()
    const kept =
      cacheKey === undefined
        ? undefined
        : context.responses.get(cacheKey, ownerOf(exchange, operation), nowMs)
    counted(kept === undefined ? 'miss' : 'shared')
    if (kept !== undefined) answerFrom(exchange, kept, nowMs)
    exchange.resume()
  }
  return {
    name: 'cache',
    apply(exchange) {
      if (!mayKeepFor(exchange, operation)) return undefined
      const key = cacheKeyOf(exchange, headerNames)
      const nowMs = context.monotonicMs()
      const kept = context.responses.get(key, ownerOf(exchange, operation), nowMs)
      if (kept !== undefined) {
        counted('hit')
        answerFrom(exchange, kept, nowMs)
        return undefined
      }
      exchange.cacheKey = key
      const flight = flights.join(key, exchange, { waitMs: timeoutMs / 2, goOn })
      if (flight === 'waits') {
        // Waiting is part of the one deadline of the call.
        exchange.upstreamEndMs = nowMs + timeoutMs
        return pending
      }
      counted('miss')
      exchange.flight = flight
      return undefined
    },
  }
}

/**
 * How long answers of an operation may stand; 0 when they may not. The catalog refuses to publish what would keep
 * personal data without saying so: this is the second wall.
 * @public
 */
export function keptSeconds(operation: Operation): number {
  const { terms } = operation.documented
  if (terms?.cacheSeconds === undefined || !isSafe(operation)) return 0
  if (terms.cachePersonal === true) return terms.cacheSeconds
  const { kind } = subjectRuleOf(operation)
  const personal =
    operation.api.consent === 'consent' ||
    terms.masks?.some(({ action }) => action !== 'pass') === true ||
    (kind !== 'none' && kind !== 'token')
  return personal ? 0 : terms.cacheSeconds
}

/** A token that names a subscriber makes any call personal. */
const mayKeepFor = (exchange: Exchange, { documented }: Operation): boolean =>
  documented.terms?.cachePersonal === true ||
  (exchange.subject === undefined && exchange.token?.subject === undefined)

const ownerOf = (
  { contract, application }: Exchange,
  operation: Operation,
): Pick<KeptResponse, 'operation' | 'contract' | 'application'> => ({
  operation,
  contract,
  application,
})

function answerFrom(exchange: Exchange, kept: KeptResponse, nowMs: number): void {
  const response: UpstreamResponse = { ...kept.response }
  exchange.upstream = response
  exchange.upstreamName = 'cache'
  exchange.cacheKey = undefined
  exchange.responseHeaders.push('age', String(Math.floor((nowMs - kept.keptMs) / 1_000)))
}
