import { parseTraceparent, parseTracestate, traceparentOf } from '#platform/trace-context'
import type { ArrivalPolicy, OperationPolicy } from '../gateway-context.ts'

/**
 * The trace that a request belongs to (W3C Trace Context). Without a collector this gateway takes no part: a caller's
 * sound fields go on to the upstream as they came, and a request without them costs one lookup.
 * @public
 */
export const trace: ArrivalPolicy = (context) => {
  const { traces } = context
  return {
    name: 'trace',
    apply(exchange) {
      if (traces !== undefined) {
        traces.begin(exchange)
        return undefined
      }
      const { headers } = exchange.request
      if (headers.traceparent === undefined) return undefined
      const parent = parseTraceparent(headers.traceparent)
      if (parent === undefined) return undefined
      exchange.traceId = parent.traceId
      exchange.traceparent = traceparentOf(parent.traceId, parent.parentId, parent.sampled)
      exchange.tracestate = parseTracestate(headers.tracestate)
      return undefined
    },
  }
}

/**
 * Whether this call of a known caller is traced, before anything is sent to an upstream.
 * @public
 */
export const sampleTrace: OperationPolicy = ({ traces }) =>
  traces && {
    name: 'sample-trace',
    apply(exchange) {
      traces.sample(exchange)
      return undefined
    },
  }
