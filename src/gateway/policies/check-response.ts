import { errorCodes } from '#platform/error-codes'
import type { SnapshotResponse } from '#snapshot'
import type { Exchange, UpstreamResponse } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import { parseJson } from '../json-body.ts'
import { parseMediaType } from '../media-type.ts'
import type { Operation } from '../operation.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'
import { stripUndeclared } from '../undeclared-properties.ts'

/**
 * What leaves matches the published document, denied by default: a documented status with a body that its schema
 * allows, or an error of the standard's model. Header fields are made anew from an allow-list. Anything else is the
 * upstream's fault, answered as 502 and logged with the API's owner.
 * @public
 */
export const checkResponse: OperationPolicy = (context, operation) => ({
  name: 'check-response',
  apply(exchange) {
    const response = exchange.upstream
    if (response === undefined) return unusable('there is no response')
    // Our credential was refused, not the caller's: the caller's token must not be blamed.
    if (response.status === 401) return unusable('the upstream refused the gateway')
    const documented = documentedResponse(operation, response.status)
    const refusal =
      response.status >= 400
        ? checkError(exchange, operation, response, documented)
        : checkSuccess(context, exchange, operation, response, documented)
    if (refusal !== undefined) return refusal
    exchange.status = response.status
    copyHeaders(exchange, context, operation, response, documented)
    return undefined
  },
})

function documentedResponse(operation: Operation, status: number): SnapshotResponse | undefined {
  const { responses } = operation.documented
  return (
    responses.find((r) => r.status === String(status)) ??
    responses.find((r) => r.status.toUpperCase() === `${Math.floor(status / 100)}XX`) ??
    responses.find((r) => r.status === 'default')
  )
}

const unusable = (reason: string, more: object = {}): Refusal =>
  refuse('BAD_GATEWAY', 'The service behind this API gave an answer that it does not document.', {
    fault: { reason, ...more },
  })

const shortText = 16_384

function checkSuccess(
  context: GatewayContext,
  exchange: Exchange,
  operation: Operation,
  response: UpstreamResponse,
  documented: SnapshotResponse | undefined,
): Refusal | undefined {
  if (documented === undefined || (documented.status === 'default' && response.status >= 300))
    return unusable('the status is not documented')
  const types = Object.keys(documented.content)
  if (types.length === 0 || response.status === 204)
    return response.body.length === 0 ? undefined : unusable('a body where none is documented')
  const type = parseMediaType(fieldOf(response, 'content-type') ?? '')
  if (type === undefined || !types.includes(type.essence))
    return unusable('the media type is not documented')
  exchange.responseHeaders.push('content-type', type.essence)
  exchange.responseBody = response.body
  if (!type.json) return undefined
  const parsed = parseJson(response.body)
  if (!parsed.ok) return unusable(`the body ${parsed.fault}`)
  const validate = operation.validators.response(
    operation.documented,
    documented.status,
    type.essence,
  )
  const faults = validate(parsed.value)
  if (faults === undefined) {
    // Node writes a short text together with the head in one piece; bytes are a second one.
    if (parsed.text.length <= shortText) exchange.responseBody = parsed.text
    return undefined
  }
  if (!stripUndeclared(parsed.value, faults, validate))
    return unusable('the body does not match the document', {
      keywords: [...new Set(faults.map((f) => `${f.schemaPath.split('/').at(-1)}`))].slice(0, 5),
      schema: faults[0]?.schemaPath,
    })
  context.metrics.stripped(operation.api.id, operation.documented.operationId)
  exchange.responseBody = JSON.stringify(parsed.value)
  return undefined
}

const codePattern = /^[A-Z0-9_]{1,64}(?:\.[A-Z0-9_]{1,64})?$/
/** a documented detail that may say more than the three fields, and changes nothing for a client that ignores it */
const extraFields = ['contextCode', 'contextMessage'] as const

function checkError(
  exchange: Exchange,
  _operation: Operation,
  response: UpstreamResponse,
  documented: SnapshotResponse | undefined,
): Refusal | undefined {
  const error = errorOf(response)
  if (error === undefined) return mapped(response.status)
  const { code } = error
  // A code of the API itself must be one that its document knows a status for; a common one is always allowed (N13).
  const common = Object.hasOwn(errorCodes, code)
    ? errorCodes[code as keyof typeof errorCodes].status === response.status
    : documented !== undefined
  if (!common) return mapped(response.status)
  exchange.code = code
  exchange.responseHeaders.push('content-type', 'application/json')
  exchange.responseBody = JSON.stringify(error)
  exchange.refusedBy = 'upstream'
  return undefined
}

/** The standard's three fields; `status` must be the one of the response (Commonalities, error model). */
function errorOf(
  response: UpstreamResponse,
): { status: number; code: string; message: string } | undefined {
  if (parseMediaType(fieldOf(response, 'content-type') ?? '')?.json !== true) return undefined
  const parsed = parseJson(response.body)
  if (!parsed.ok || typeof parsed.value !== 'object' || parsed.value === null) return undefined
  const body = parsed.value as Readonly<Record<string, unknown>>
  const { status, code, message } = body
  if (status !== response.status || typeof code !== 'string' || typeof message !== 'string')
    return undefined
  if (!codePattern.test(code)) return undefined
  const error: { status: number; code: string; message: string; [extra: string]: unknown } = {
    status: response.status,
    code,
    message: message.slice(0, 512),
  }
  for (const field of extraFields)
    if (typeof body[field] === 'string') error[field] = body[field].slice(0, 512)
  return error
}

/** An error that is not in the standard's model says only what its status does. */
function mapped(status: number): Refusal {
  const fault = { reason: 'the error is not in the standard model', upstreamStatus: status }
  if (status === 503 || status === 429)
    return refuseForNow('The service behind this API is busy. Try again in a moment.', fault)
  if (status === 504)
    return refuse('TIMEOUT', 'The service behind this API did not answer in time.', { fault })
  return unusable(fault.reason, { upstreamStatus: status })
}

const fieldOf = (response: UpstreamResponse, name: string): string | undefined => {
  const value = response.headers[name]
  return Array.isArray(value) ? undefined : value
}

/** what the gateway says itself, or what describes one connection */
const ownHeaders =
  /^(?:x-correlator|x-exchange-id|content-.*|connection|keep-alive|transfer-encoding|te|trailer|upgrade|proxy-.*|set-cookie|server|date|www-authenticate|cache-control|ratelimit.*|strict-transport-security|x-wayleave-.*)$/

function copyHeaders(
  exchange: Exchange,
  context: GatewayContext,
  operation: Operation,
  response: UpstreamResponse,
  documented: SnapshotResponse | undefined,
): void {
  const location = fieldOf(response, 'location')
  if (location !== undefined && response.status < 400) {
    const shown = shownLocation(operation, location)
    if (shown !== undefined) exchange.responseHeaders.push('location', shown)
    else context.log.warn({ api: operation.api.id }, 'an upstream Location names another host')
  }
  const retryAfter = fieldOf(response, 'retry-after')
  if (retryAfter !== undefined && /^\d{1,6}$/.test(retryAfter) && response.status >= 400)
    exchange.responseHeaders.push('retry-after', retryAfter)
  for (const header of documented?.headers ?? []) {
    const name = header.toLowerCase()
    if (name === 'location' || name === 'retry-after' || ownHeaders.test(name)) continue
    const value = fieldOf(response, name)
    if (value !== undefined && /^[\x20-\x7e]{0,2048}$/.test(value))
      exchange.responseHeaders.push(name, value)
  }
}

/** A path stays; an absolute address of the upstream itself becomes one; any other would name an inner host. */
function shownLocation(operation: Operation, location: string): string | undefined {
  if (!/^[\x21-\x7e]{1,2048}$/.test(location)) return undefined
  if (/^\/(?!\/)/.test(location)) return location
  const { upstream } = operation.api
  const url = URL.parse(location)
  if (url === null) return /^[\w.~-][\w./~-]*$/.test(location) ? location : undefined
  const own =
    upstream.kind === 'http' &&
    upstream.targets.some((target) => URL.parse(target.url)?.origin === url.origin)
  return own ? url.pathname + url.search : undefined
}
