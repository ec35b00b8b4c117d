import { reasons } from '#journal'
import type { SnapshotResponse } from '#snapshot'
import type { Exchange, UpstreamResponse } from '../exchange.ts'
import type { GatewayContext, OperationPolicy } from '../gateway-context.ts'
import type { Operation } from '../operation.ts'
import { type BrokenRule, brokenRule, brokenRules } from '../payload/broken-rules.ts'
import { eachInherited, parseJson } from '../payload/json-body.ts'
import { parseExactly } from '../payload/json-numbers.ts'
import { parseMediaType } from '../payload/media-type.ts'
import { putResponseJson } from '../payload/response-json.ts'
import { certainFaults, stripUndeclared } from '../payload/undeclared-properties.ts'
import { errorOf, generalCodeOf, isKnownCode } from '../payload/upstream-error.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'
import { rulesByContract } from './mask.ts'

/**
 * What leaves matches the published document, denied by default: a documented status with a body that its schema
 * allows, or an error of the standard's model. Header fields are made anew from an allow-list. What does not match is
 * reported to the API's owner, and by the terms of the operation taken out where that mends it and otherwise refused
 * as 502 (`strip`), always refused (`refuse`), or let pass (`report`). Where fields are masked, nothing unknown passes.
 * An error leaves in the standard's form or not at all, in every mode: anything else could be a stack trace.
 * @public
 */
export const checkResponse: OperationPolicy = (context, operation) => {
  const check = responseCheck(context, operation)
  return {
    name: 'check-response',
    apply: (exchange) =>
      exchange.upstream === undefined
        ? unusable('there is no response')
        : check(exchange, exchange.upstream, true),
  }
}

/**
 * The rule by itself, for an answer that was kept and is given again: it was right once, and may not be any more.
 * @param reports whether a violation is the upstream's; one of an older document is nobody's
 * @public
 */
export function responseCheck(
  context: GatewayContext,
  operation: Operation,
): (exchange: Exchange, response: UpstreamResponse, reports: boolean) => Refusal | undefined {
  const mode = operation.documented.terms?.responses ?? 'strip'
  const rulesOf = mode === 'report' ? rulesByContract(operation) : undefined
  return (exchange, response, reports) => {
    // Our credential was refused, not the caller's: the caller's token must not be blamed.
    if (response.status === 401) return unusable(reasons.gatewayRefused)
    const documented = documentedResponse(operation, response.status)
    const passes = rulesOf !== undefined && rulesOf(exchange.contract).length === 0
    const check: Check = {
      context,
      exchange,
      operation,
      response,
      documented,
      mode: mode === 'report' && !passes ? 'strip' : mode,
      reports,
    }
    const refusal = response.status >= 400 ? checkError(check) : checkSuccess(check)
    if (refusal !== undefined) return refusal
    exchange.status = response.status
    copyHeaders(check)
    return undefined
  }
}

type Check = {
  context: GatewayContext
  exchange: Exchange
  operation: Operation
  response: UpstreamResponse
  documented: SnapshotResponse | undefined
  mode: 'report' | 'strip' | 'refuse'
  reports: boolean
}

function report(
  { context, operation, response, reports }: Check,
  action: Parameters<GatewayContext['violations']['add']>[2],
  faults: readonly BrokenRule[],
): void {
  if (reports) context.violations.add(operation, response.status, action, faults)
}

/** Reports what is broken. @returns the refusal, or undefined where such answers may pass */
function broken(check: Check, reason: string, faults: readonly BrokenRule[]): Refusal | undefined {
  const passes = check.mode === 'report'
  report(check, passes ? 'passed' : 'refused', faults)
  if (passes) {
    check.exchange.undocumented = true
    return undefined
  }
  return unusable(reason, {
    keywords: [...new Set(faults.map((f) => f.keyword))].slice(0, 5),
    schema: faults[0]?.schemaPath,
  })
}

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

function checkSuccess(check: Check): Refusal | undefined {
  const { exchange, response, documented } = check
  if (documented === undefined || (documented.status === 'default' && response.status >= 300)) {
    const refusal = broken(check, 'the status is not documented', brokenRule('status'))
    if (refusal === undefined) passOn(exchange, response)
    return refusal
  }
  const types = Object.keys(documented.content)
  if (types.length === 0 || response.status === 204) {
    if (response.body.length === 0) return undefined
    const refusal = broken(check, 'a body where none is documented', brokenRule('body'))
    if (refusal === undefined && response.status !== 204) passOn(exchange, response)
    return refusal
  }
  const type = parseMediaType(fieldOf(response, 'content-type') ?? '')
  if (type === undefined || !types.includes(type.essence)) {
    const refusal = broken(check, 'the media type is not documented', brokenRule('media-type'))
    if (refusal === undefined) passOn(exchange, response)
    return refusal
  }
  exchange.responseHeaders.push('content-type', type.essence)
  exchange.responseBody = response.body
  return type.json ? checkJson(check, documented.status, type.essence) : undefined
}

/** What may pass although nothing is known of it, under its own media type. */
function passOn(exchange: Exchange, response: UpstreamResponse): void {
  if (response.body.length === 0) return
  const type = parseMediaType(fieldOf(response, 'content-type') ?? '')?.essence
  exchange.responseHeaders.push('content-type', type ?? 'application/octet-stream')
  exchange.responseBody = response.body
}

function checkJson(check: Check, status: string, mediaType: string): Refusal | undefined {
  const { context, exchange, operation, response, mode } = check
  const parsed = parseJson(response.body)
  if (!parsed.ok) return broken(check, `the body ${parsed.fault}`, brokenRule('json'))
  const inherited = parsed.inherited ? undeclaredInherited(parsed.value, operation) : none
  const validate = operation.validators.response(operation.documented, status, mediaType)
  const faults = validate(parsed.value)
  if (faults === undefined && inherited.length === 0) {
    // Node writes a short text together with the head in one piece; bytes are a second one.
    if (parsed.text.length <= shortText) exchange.responseBody = parsed.text
    if (parsed.exact) exchange.responseJson = parsed
    return undefined
  }
  const found = [
    ...(inherited.length > 0 ? brokenRule('reserved') : none),
    ...brokenRules(operation, certainFaults(faults ?? none)),
  ]
  if (mode !== 'strip') return broken(check, 'the body does not match the document', found)
  const twin = parsed.exact ? undefined : parseExactly(parsed.text)
  takeOutInherited(parsed.value, operation)
  if (twin !== undefined) takeOutInherited(twin, operation)
  const left = faults === undefined ? undefined : validate(parsed.value)
  if (left !== undefined && !stripUndeclared(parsed.value, left, validate, twin))
    return broken(check, 'the body does not match the document', found)
  report(check, 'stripped', found)
  context.metrics.stripped(operation.api.id, operation.documented.operationId)
  exchange.stripped = true
  putResponseJson(exchange, twin ?? parsed.value)
  return undefined
}

const none: readonly never[] = []

/** Names such as `constructor` that no schema declares: compiled validators take them for declared. */
function undeclaredInherited(
  value: unknown,
  operation: Operation,
): { owner: Record<string, unknown>; name: string }[] {
  const found: { owner: Record<string, unknown>; name: string }[] = []
  eachInherited(value, (owner, name) => {
    if (!operation.validators.declares(name)) found.push({ owner, name })
  })
  return found
}

function takeOutInherited(value: unknown, operation: Operation): void {
  for (const { owner, name } of undeclaredInherited(value, operation)) delete owner[name]
}

function checkError(check: Check): Refusal | undefined {
  const { exchange, operation, response, documented } = check
  const { status } = response
  const error = errorOf(response)
  if (error === undefined) {
    report(check, 'refused', brokenRule('error-model'))
    return mapped(status)
  }
  if (!isKnownCode(operation, error, documented !== undefined)) {
    const general = generalCodeOf(status)
    report(check, general === undefined ? 'refused' : 'stripped', brokenRule('error-code'))
    if (general === undefined) return mapped(status)
    error.code = general
  }
  exchange.code = error.code
  exchange.responseHeaders.push('content-type', 'application/json')
  exchange.responseBody = JSON.stringify(error)
  exchange.refusedBy = 'upstream'
  if (status >= 500) exchange.reason = reasons.ownError
  return undefined
}

/** An error that is not in the standard's model says only what its status does. */
function mapped(status: number): Refusal {
  const fault = { reason: reasons.otherForm, upstreamStatus: status }
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

function copyHeaders({ context, exchange, operation, response, documented }: Check): void {
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
  const targets = upstream.kind === 'http' ? upstream.targets : []
  const canary = 'canary' in upstream && upstream.canary !== undefined ? [upstream.canary] : []
  const own = [...targets, ...canary].some((target) => URL.parse(target.url)?.origin === url.origin)
  return own ? url.pathname + url.search : undefined
}
