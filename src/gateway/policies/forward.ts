import type { Environment } from '#platform/config'
import type { Exchange } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { knownQueryNames } from '../payload/parameter-values.ts'
import { refuseForNow } from '../refusal.ts'
import { ForwardedCall, type Forwarding, mostHeldPart } from '../upstreams/forwarded-call.ts'
import { isParameter } from './validate-parameters.ts'

/** fields that describe one connection, show who calls, or that this gateway itself speaks with (RFC 9110 section 7.6.1) */
const neverForwarded =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-.*|expect|forwarded|x-forwarded-.*|x-real-ip|x-original-.*|x-rewrite-.*|true-client-ip|via|x-wayleave-.*|cookie|authorization|x-api-key|dpop|client-cert.*|idempotency-key|traceparent|tracestate)$/

/**
 * Calls the upstream with the canonical path, the documented parameters, the bytes of the validated body, and header
 * fields made anew: nothing that a caller sent goes along because nobody thought of it. Which target, whether and when
 * is decided by the `ForwardedCall`.
 * @public
 */
export const forward: OperationPolicy = (context, operation) => {
  const { documented, api } = operation
  const served = context.upstreams.of(api)
  const forwarding: Forwarding = {
    context,
    served,
    safe: isSafe(operation),
    timeoutMs: documented.terms?.timeoutMs ?? api.upstream.timeoutMs,
    outgoing: outgoingOf(context, operation),
  }
  return {
    name: 'forward',
    apply(exchange) {
      // An earlier rule had the answer already.
      if (exchange.upstream !== undefined) return undefined
      if (served.primaries.length === 0)
        return refuseForNow('No upstream is configured for this API here.', {
          reason: 'no upstream is configured',
        })
      if (
        served.inFlight >= context.limits.inFlightPerUpstream ||
        served.heldBytes + exchange.body.length > context.limits.bufferedBytes * mostHeldPart
      )
        return refuseForNow('This API is at its limit. Try again in a moment.')
      return new ForwardedCall(forwarding, exchange).start()
    },
  }
}

/**
 * Whether a call changes nothing, so that it may be sent again, to a shadow, or be answered from a cache.
 * @public
 */
export const isSafe = ({ documented }: Operation): boolean =>
  documented.method === 'GET' || documented.terms?.safe === true

function outgoingOf(
  context: Pick<GatewayContext, 'environment' | 'simulator' | 'sealing'>,
  operation: Operation,
): Forwarding['outgoing'] {
  const { method, parameters } = operation.documented
  const fixed = fixedHeaders(context.environment, operation, tokenOf(context, operation))
  const isKnown = knownQueryNames(parameters, operation.api.schemas)
  const headerNames = parameters
    .filter((p) => p.in === 'header' && isParameter(p))
    .map((p) => p.name.toLowerCase())
    .filter((name) => !neverForwarded.test(name) && !name.includes('_'))
  return (exchange, remainingMs) => {
    const headers = [...fixed]
    headers.push('x-correlator', exchange.correlator)
    headers.push('x-wayleave-application', exchange.application?.id ?? '')
    headers.push('x-wayleave-partner', exchange.application?.partnerId ?? '')
    // Less the error of a difference of two clock readings, which would be a millisecond too much.
    headers.push('x-wayleave-deadline-ms', String(Math.ceil(remainingMs - 0.001)))
    const traceparent = exchange.trace?.traceparent() ?? exchange.traceparent
    if (traceparent !== undefined) headers.push('traceparent', traceparent)
    if (exchange.tracestate !== undefined) headers.push('tracestate', exchange.tracestate)
    if (exchange.upstreamSubject !== undefined)
      headers.push('x-wayleave-subject', exchange.upstreamSubject)
    if (exchange.contentType !== undefined) headers.push('content-type', exchange.contentType)
    // Never the caller's own: two partners may choose the same one.
    if (exchange.claim !== undefined) headers.push('idempotency-key', exchange.claim.requestHash)
    for (const name of headerNames) {
      const value = exchange.request.headers[name]
      if (typeof value === 'string') headers.push(name, value)
    }
    return {
      exchange,
      method,
      path: exchange.path,
      query: queryOf(exchange, isKnown),
      headers,
      body: exchange.body,
    }
  }
}

/** What shows the simulated operator, or this platform itself, that it is the gateway of this environment. */
function tokenOf(
  { simulator, sealing }: Pick<GatewayContext, 'simulator' | 'sealing'>,
  { api }: Operation,
): string | undefined {
  if (api.upstream.kind === 'platform') return sealing.machineToken('platform')
  return api.upstream.kind === 'simulated' ? simulator?.token : undefined
}

function fixedHeaders(
  environment: Environment,
  operation: Operation,
  token: string | undefined,
): string[] {
  const headers = [
    ...['accept', 'application/json'],
    ...['x-wayleave-environment', environment],
    ...['x-wayleave-operation', operation.name],
  ]
  if (token !== undefined) headers.push('authorization', `Bearer ${token}`)
  return headers
}

/** The documented parameters, as they were written. */
function queryOf(exchange: Exchange, isKnown: (name: string) => boolean): string {
  if (exchange.queryParts.length === 0) return ''
  const known = exchange.queryParts.filter((part) => isKnown(part.name))
  return known.length === 0 ? '' : `?${known.map((part) => part.text).join('&')}`
}
