import type { Environment } from '#platform/config'
import { type Exchange, pending } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'
import { UpstreamCall, type UpstreamFailure } from '../upstream-call.ts'
import { isParameter } from './validate-parameters.ts'

/** fields that describe one connection, or that this gateway itself speaks with (RFC 9110 section 7.6.1) */
const neverForwarded =
  /^(?:connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|host|content-.*|expect|forwarded|x-forwarded-.*|x-wayleave-.*|cookie)$/

/** Where an operation is served, and with which credential of ours. */
function addressOf(
  context: GatewayContext,
  operation: Operation,
): { url: string; token: string | undefined } | undefined {
  const { upstream } = operation.api
  switch (upstream.kind) {
    case 'http':
      return { url: upstream.targets[0]?.url ?? '', token: undefined }
    case 'function':
      return undefined
    case 'simulated':
      return context.simulator
    case 'none':
      return undefined
  }
}

/**
 * Calls the upstream with the canonical path, the documented parameters, the bytes of the validated body, and header
 * fields made anew: nothing that a caller sent goes along because nobody thought of it.
 * @public
 */
export const forward: OperationPolicy = (context, operation) => {
  const { method, parameters } = operation.documented
  const { timeoutMs } = operation.api.upstream
  const address = addressOf(context, operation)
  const fixed = fixedHeaders(context.environment, operation, address?.token)
  const queryNames = new Set(parameters.filter((p) => p.in === 'query').map((p) => p.name))
  const headerNames = parameters
    .filter((p) => p.in === 'header' && isParameter(p))
    .map((p) => p.name.toLowerCase())
    .filter((name) => !neverForwarded.test(name) && !name.includes('_'))

  const hold = (exchange: Exchange, bytes: number): boolean => {
    exchange.heldBytes += bytes
    context.heldBytes += bytes
    return context.heldBytes <= context.limits.bufferedBytes
  }
  const settled: ConstructorParameters<typeof UpstreamCall>[0]['settled'] = (
    exchange,
    response,
    failure,
  ) => {
    exchange.upstreamMs = context.monotonicMs() - exchange.upstreamStartedMs
    exchange.upstreamCall = undefined
    if (exchange.settled) return
    exchange.upstream = response
    exchange.resume(failure === undefined ? undefined : refusalOf(failure))
  }

  return {
    name: 'forward',
    apply(exchange) {
      const upstream = address === undefined ? undefined : context.upstreams.at(address.url)
      if (upstream === undefined)
        return refuseForNow('No upstream is configured for this API here.', {
          reason: 'no upstream is configured',
        })
      if (upstream.inFlight >= context.limits.inFlightPerUpstream)
        return refuseForNow('This API is at its limit. Try again in a moment.')
      const headers = [...fixed]
      headers.push('x-correlator', exchange.correlator)
      headers.push('x-wayleave-application', exchange.application?.id ?? '')
      headers.push('x-wayleave-partner', exchange.application?.partnerId ?? '')
      if (exchange.contentType !== undefined) headers.push('content-type', exchange.contentType)
      for (const name of headerNames) {
        const value = exchange.request.headers[name]
        if (typeof value === 'string') headers.push(name, value)
      }
      const call = new UpstreamCall({
        exchange,
        upstream,
        deadlineMs: timeoutMs,
        largest: context.limits.responseBytes,
        request: {
          method,
          path: upstream.prefix + exchange.path + queryOf(exchange, queryNames),
          headers,
          body: exchange.body.length === 0 ? null : exchange.body,
        },
        hold,
        settled,
      })
      exchange.upstreamStartedMs = context.monotonicMs()
      exchange.upstreamCall = call
      call.start()
      return pending
    },
  }
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
    ...['x-wayleave-deadline-ms', String(operation.api.upstream.timeoutMs)],
  ]
  if (token !== undefined) headers.push('authorization', `Bearer ${token}`)
  return headers
}

/** The documented parameters, as they were written. */
function queryOf(exchange: Exchange, names: ReadonlySet<string>): string {
  if (exchange.queryParts.length === 0) return ''
  const known = exchange.queryParts.filter((part) => names.has(part.name))
  return known.length === 0 ? '' : `?${known.map((part) => part.text).join('&')}`
}

function refusalOf(failure: UpstreamFailure): Refusal {
  const fault = { reason: failure.kind, detail: failure.fault }
  switch (failure.kind) {
    case 'timeout':
      return refuse('TIMEOUT', 'The service behind this API did not answer in time.', { fault })
    case 'unreachable':
      return refuseForNow('The service behind this API cannot be reached.', fault)
    case 'no room':
      return refuseForNow('The gateway is at its limit. Try again in a moment.', fault)
    case 'broken':
    case 'too large':
    case 'cancelled':
      return refuse('BAD_GATEWAY', 'The service behind this API gave no usable answer.', { fault })
  }
}
