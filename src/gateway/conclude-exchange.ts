import type { NewRecord } from '#journal'
import { recordedCorrelator } from '#platform/recorded-correlator'
import type { Connection } from './edge/connection.ts'
import type { Exchange } from './exchange.ts'
import type { GatewayContext } from './gateway-context.ts'
import type { LogThrottle } from './observation/log-throttle.ts'
import { passedRules } from './passed-rules.ts'
import { settleClaim, settlementOf, unknownOf } from './payload/settle-claim.ts'
import { giveBackQuota } from './policies/limit-quota.ts'
import { bodyOf, type Refusal, refuseForNow } from './refusal.ts'

/** nginx's number for a client that left before its answer; it is recorded, never sent */
const clientClosed = 499

export interface Concluder {
  /** Decides the answer, writes it down, and only then sends it. */
  conclude(exchange: Exchange, refusal: Refusal | undefined, rule: string): void
  /** The client left: the upstream is cancelled, and what happened is written down. */
  abandon(exchange: Exchange): void
}

/** The end of every exchange: journal, then respond. */
export function createConcluder(context: GatewayContext, throttle: LogThrottle): Concluder {
  const anonymous = perSecond(context.limits.anonymousRecordsPerSecond, context.monotonicMs)

  const record = (exchange: Exchange, done: (error: Error | undefined) => void): void => {
    if (exchange.application === undefined && !anonymous()) {
      context.journal.count(`unrecorded:${exchange.status}`)
      done(undefined)
      return
    }
    const entry = recordOf(context, exchange)
    const { tail } = context
    if (tail === undefined || !tail.watched) context.journal.append(entry, done)
    else
      context.journal.append(entry, (error) => {
        if (error === undefined) tail.publish(entry)
        done(error)
      })
  }

  const answer = (exchange: Exchange): void => {
    try {
      respond(context, exchange)
    } catch (thrown) {
      context.log.error({ err: thrown, exchange: exchange.id }, 'an answer cannot be written')
      exchange.response.destroy()
    }
    exchange.concluded?.()
  }

  return {
    conclude(exchange, refusal, rule) {
      if (exchange.settled) return
      exchange.settled = true
      if (refusal !== undefined) applyRefusal(exchange, refusal, rule)
      if (refusal?.fault !== undefined) throttle.fault(exchange, refusal)
      if (exchange.status >= 500 || refusal !== undefined) giveBackQuota(exchange)
      exchange.responseBytes = Buffer.byteLength(exchange.responseBody)
      context.traces?.settle(exchange)
      exchange.canaryCall?.judged(refusal === undefined || rule !== 'check-response')
      exchange.flight?.end(false)
      const { claim } = exchange
      let settlement = claim && settlementOf(context, claim, exchange)
      record(exchange, (error) => {
        if (error !== undefined && !mayGoUnrecorded(context, exchange)) {
          // Nothing was written down, so nothing happened as far as a bill goes; the caller must know.
          giveBackQuota(exchange)
          const unrecorded = refuseForNow('The gateway cannot record calls at the moment.')
          applyRefusal(exchange, unrecorded, 'journal')
          exchange.responseBytes = Buffer.byteLength(exchange.responseBody)
          // Given again later, it would be an answer that nobody billed.
          if (claim !== undefined && settlement?.state === 'done') settlement = unknownOf(claim)
        }
        if (claim === undefined || settlement === undefined) answer(exchange)
        else void settleClaim(context, claim, settlement).then(() => answer(exchange))
      })
    },
    abandon(exchange) {
      if (exchange.settled) return
      exchange.settled = true
      exchange.upstreamCall?.cancel()
      exchange.flight?.end(false)
      giveBackQuota(exchange)
      exchange.status = clientClosed
      exchange.refusedBy = 'client'
      const { claim } = exchange
      // Nothing was done yet: a call that does something goes on to its end.
      if (claim !== undefined) void settleClaim(context, claim, { state: 'released' })
      context.traces?.settle(exchange)
      record(exchange, () => measure(context, exchange, context.monotonicMs()))
    },
  }
}

/** Nothing of a free contract's call is billed: where the operator wants it, its answer goes out all the same. */
function mayGoUnrecorded(context: GatewayContext, { contract }: Exchange): boolean {
  if (context.limits.unrecorded !== 'serve-free') return false
  if (contract !== undefined && contract.tier !== 'free') return false
  context.journal.count('unrecorded:free')
  return true
}

function applyRefusal(exchange: Exchange, refusal: Refusal, rule: string): void {
  exchange.status = refusal.status
  exchange.code = refusal.code
  // Why a credential was refused is known to the rule alone: its answer is one for every cause.
  exchange.reason = reasonOf(refusal) ?? exchange.reason
  exchange.refusedBy = rule === 'forward' || rule === 'check-response' ? 'upstream' : rule
  if (refusal.closes === true) endConnection(exchange)
  exchange.responseHeaders = ['content-type', 'application/json', ...(refusal.headers ?? [])]
  exchange.responseBody = bodyOf(refusal)
}

/** The fixed words of a fault, never an exception's: those may repeat what a caller sent. */
function reasonOf({ fault }: Refusal): string | undefined {
  const { reason, detail } = fault ?? {}
  if (typeof reason !== 'string') return undefined
  const code = typeof detail === 'string' && /^[A-Z][A-Z0-9_]{1,40}$/.test(detail)
  return (code ? `${reason} (${detail})` : reason).slice(0, 160)
}

function recordOf(context: GatewayContext, exchange: Exchange): NewRecord {
  const { application, contract, operation, upstream } = exchange
  const apiId = operation?.api.id
  const success = exchange.status >= 200 && exchange.status < 300
  // An answer that is given again was billed when it was given first.
  const billed =
    success && operation?.documented.billable === 'success' && exchange.idempotency !== 'replayed'
  const prices = contract === undefined ? undefined : context.index.plan(contract.planId)?.prices
  const price = apiId === undefined ? undefined : (prices?.[apiId] ?? prices?.['*'])
  // JSON leaves out what is undefined, so absent fields cost nothing on the disk.
  const record: { [K in keyof NewRecord]: NewRecord[K] | undefined } = {
    id: exchange.id,
    correlator: recordedCorrelator(exchange.correlator, context.sealing),
    at: exchange.at,
    environment: context.environment,
    partnerId: application?.partnerId,
    applicationId: application?.id,
    credentialId: exchange.credentialId,
    contractId: contract?.id,
    apiId,
    operationId: operation?.documented.operationId,
    method: knownMethod(exchange.request.method),
    status: exchange.status,
    code: exchange.code,
    refusedBy: exchange.refusedBy,
    reason: exchange.reason,
    upstreamStatus: upstream?.status,
    upstream: exchange.upstreamName,
    tier: contract?.tier,
    credential: exchange.credential,
    bound: exchange.bound,
    traceId: exchange.traceId,
    subject: exchange.subject,
    // Evidence of what happened to somebody's data; other calls do not pay for it.
    tokenId: exchange.subject === undefined ? undefined : exchange.token?.id,
    rules: exchange.subject === undefined ? undefined : passedRules(exchange),
    legal: exchange.legal,
    idempotency: exchange.idempotency,
    masked: exchange.masked,
    stripped: exchange.stripped || undefined,
    undocumented: exchange.undocumented || undefined,
    totalMs: rounded(context.monotonicMs() - exchange.startedMs),
    upstreamMs: exchange.upstreamMs === undefined ? undefined : rounded(exchange.upstreamMs),
    requestBytes: exchange.body.length,
    responseBytes: exchange.responseBytes,
    units: billed ? 1 : 0,
    priceId: price,
  }
  return record as NewRecord
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE'])
const knownMethod = (method: string | undefined): string =>
  method !== undefined && methods.has(method) ? method : 'OTHER'

function respond(context: GatewayContext, exchange: Exchange): void {
  const { response, request } = exchange
  const nowMs = context.monotonicMs()
  measure(context, exchange, nowMs)
  if (exchange.closed || response.destroyed) return
  const { responseBody: body, responseBytes } = exchange
  const headers = commonFields(exchange)
  if (exchange.secure) headers.push('strict-transport-security', 'max-age=31536000')
  const { use } = exchange
  const api = exchange.operation?.api
  const policy = use?.policy(api) ?? ''
  if (use !== undefined && policy !== '') {
    headers.push('ratelimit-policy', policy)
    headers.push('ratelimit', use.remainder(api, nowMs, context.nowMs()))
  }
  // Refused before its operation was known: the end of its version is told all the same.
  const announcement =
    exchange.operation === undefined
      ? context.versions.at(exchange.path)?.headers
      : exchange.announcement
  if (announcement !== undefined) headers.push(...announcement)
  const { path } = exchange
  for (const field of context.crossOrigins.fields(path, request.url, request.headers.origin))
    headers.push(field)
  for (const field of exchange.responseHeaders) headers.push(field)
  if (exchange.status !== 204) headers.push('content-length', String(responseBytes))
  if (exchange.connection !== undefined) settleConnection(context, exchange, exchange.connection)
  response.writeHead(exchange.status, headers)
  // RFC 9110 section 9.3.2: an answer to HEAD has no body.
  if (request.method === 'HEAD' || responseBytes === 0) response.end()
  else response.end(body)
}

// One literal: each call makes this list, and parts of it would be lists of their own.
// biome-ignore format: name and value in one line
const commonFields = (exchange: Exchange): string[] => [
  'x-correlator', exchange.correlator,
  'x-exchange-id', exchange.id,
  'cache-control', 'no-store',
  'x-content-type-options', 'nosniff',
]

/** From here on, what comes on its connection is not taken for a request. */
function endConnection(exchange: Exchange): void {
  exchange.closes = true
  if (exchange.connection !== undefined) exchange.connection.ended = true
}

/**
 * Whether an HTTP/1.1 connection goes on after this answer. It ends with the answer to its newest request only: those
 * behind a `Connection: close` are never read, although their requests were acted upon.
 */
function settleConnection(
  context: GatewayContext,
  exchange: Exchange,
  connection: Connection,
): void {
  const { request, response } = exchange
  const isNewest = exchange.ordinal === connection.requests
  const isEnough = context.draining || connection.requests >= context.limits.requestsPerConnection
  if (isNewest && (isEnough || isTooMuchToDiscard(exchange))) endConnection(exchange)
  if (exchange.closes) response.shouldKeepAlive = false
  if (!request.complete) connection.discardRest(mostDiscarded)
}

const mostDiscarded = 16 * 1_048_576

/** A refused body is read and thrown away so that the client sees the answer; a very long one is cut off instead. */
function isTooMuchToDiscard(exchange: Exchange): boolean {
  const { request } = exchange
  if (request.complete) return false
  // A client that was not told to go on may send its body or leave it out: what comes next could be either.
  return exchange.expectsContinue || Number(request.headers['content-length'] ?? 0) > mostDiscarded
}

function measure(context: GatewayContext, exchange: Exchange, nowMs: number): void {
  context.traces?.finish(exchange)
  const { refusedBy, upstreamMs } = exchange
  const metrics = exchange.operation?.metrics ?? context.metrics.unrouted
  const tier = exchange.contract?.tier
  metrics.answered(exchange.status, nowMs - exchange.startedMs, tier)
  if (upstreamMs !== undefined) metrics.upstreamAnswered(upstreamMs, exchange.upstreamName)
  if (refusedBy !== undefined) context.metrics.refused(refusedBy, exchange.code, tier)
}

/** At most `limit` times true in each second. */
function perSecond(limit: number, monotonicMs: () => number): () => boolean {
  let windowStart = 0
  let used = 0
  return () => {
    const nowMs = monotonicMs()
    if (nowMs - windowStart >= 1_000) {
      windowStart = nowMs
      used = 0
    }
    used += 1
    return used <= limit
  }
}
