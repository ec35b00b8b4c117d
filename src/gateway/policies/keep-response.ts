import type { UpstreamResponse } from '../exchange.ts'
import type { OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { keptSeconds } from './cache.ts'

/**
 * Keeps a good answer, as it came from the upstream and was found valid: before it is masked, so that each call is
 * masked as its own contract and token say. @see cache
 * @public
 */
export const keepResponse: OperationPolicy = (context, operation) => {
  const seconds = keptSeconds(operation)
  if (seconds === 0) return undefined
  const names = keptFields(operation)
  return {
    name: 'keep-response',
    apply(exchange) {
      const { cacheKey, upstream, contract, application } = exchange
      if (cacheKey === undefined || upstream === undefined) return undefined
      const stands = exchange.status === upstream.status ? secondsOf(upstream, seconds) : 0
      const nowMs = context.monotonicMs()
      const stored =
        stands > 0 &&
        context.responses.put(cacheKey, {
          ...{ operation, contract, application },
          response: ownCopy(upstream, names),
          keptMs: nowMs,
          endsMs: nowMs + stands * 1_000,
        })
      if (!stored)
        context.upstreamMetrics.cached(
          operation.api.id,
          operation.documented.operationId,
          'unstored',
        )
      exchange.flight?.end(stored)
      return undefined
    },
  }
}

/** The fields that the rules after this one read. */
function keptFields({ documented }: Operation): readonly string[] {
  const names = documented.responses.flatMap(({ headers }) => headers)
  return [...new Set([...names, 'content-type', 'location'].map((name) => name.toLowerCase()))]
}

/** For how long it stands; the upstream may say less than the product, and never more (RFC 9111 section 5.2.2). */
function secondsOf({ status, headers }: UpstreamResponse, most: number): number {
  if (status < 200 || status > 299 || status === 206) return 0
  if (headers.vary === '*') return 0
  const control = String(headers['cache-control'] ?? '').toLowerCase()
  if (/(?:^|[,\s])no-(?:store|cache)\b/.test(control)) return 0
  const maxAge = /(?:^|[,\s])max-age=(\d{1,9})/.exec(control)?.[1]
  return maxAge === undefined ? most : Math.min(most, Number(maxAge))
}

/** Bytes of its own: a slice would keep the whole piece that it was read from. */
function ownCopy(
  { status, headers, body }: UpstreamResponse,
  names: readonly string[],
): UpstreamResponse {
  const copy = Buffer.allocUnsafeSlow(body.length)
  body.copy(copy)
  const kept = names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]))
  return { status, headers: Object.fromEntries(kept), body: copy }
}
