import type { NewRecord } from '#journal'
import type { Exchange } from './exchange.ts'
import type { GatewayContext } from './gateway-context.ts'
import type { LogThrottle } from './log-throttle.ts'
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
    context.journal.append(recordOf(context, exchange), done)
  }

  return {
    conclude(exchange, refusal, rule) {
      if (exchange.settled) return
      exchange.settled = true
      if (refusal !== undefined) applyRefusal(exchange, refusal, rule)
      if (refusal?.fault !== undefined) throttle.fault(exchange, refusal)
      if (exchange.status >= 500 || refusal !== undefined) giveBackQuota(exchange)
      exchange.responseBytes = Buffer.byteLength(exchange.responseBody)
      exchange.canaryCall?.judged(refusal === undefined || rule !== 'check-response')
      record(exchange, (error) => {
        if (error !== undefined && !mayGoUnrecorded(context, exchange)) {
          // Nothing was written down, so nothing happened as far as a bill goes; the caller must know.
          giveBackQuota(exchange)
          const unrecorded = refuseForNow('The gateway cannot record calls at the moment.')
          applyRefusal(exchange, unrecorded, 'journal')
          exchange.responseBytes = Buffer.byteLength(exchange.responseBody)
        }
        try {
          respond(context, exchange)
        } catch (thrown) {
          context.log.error({ err: thrown, exchange: exchange.id }, 'an answer cannot be written')
          exchange.response.destroy()
        }
      })
    },
    abandon(exchange) {
      if (exchange.settled) return
      exchange.settled = true
      exchange.upstreamCall?.cancel()
      giveBackQuota(exchange)
      exchange.status = clientClosed
      exchange.refusedBy = 'client'
      record(exchange, () => measure(context, exchange))
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
  exchange.refusedBy = rule === 'forward' || rule === 'check-response' ? 'upstream' : rule
  exchange.closes = refusal.closes === true
  exchange.responseHeaders = ['content-type', 'application/json', ...(refusal.headers ?? [])]
  exchange.responseBody = bodyOf(refusal)
}

function recordOf(context: GatewayContext, exchange: Exchange): NewRecord {
  const { application, contract, operation, upstream } = exchange
  const apiId = operation?.api.id
  const success = exchange.status >= 200 && exchange.status < 300
  const billed = success && operation?.documented.billable === 'success'
  const prices = contract === undefined ? undefined : context.index.plan(contract.planId)?.prices
  const price = apiId === undefined ? undefined : (prices?.[apiId] ?? prices?.['*'])
  // JSON leaves out what is undefined, so absent fields cost nothing on the disk.
  const record: { [K in keyof NewRecord]: NewRecord[K] | undefined } = {
    id: exchange.id,
    correlator: exchange.correlator,
    at: exchange.at,
    environment: context.environment,
    partnerId: application?.partnerId,
    applicationId: application?.id,
    credentialId: application === undefined ? undefined : exchange.token?.credentialId,
    contractId: contract?.id,
    apiId,
    operationId: operation?.documented.operationId,
    method: knownMethod(exchange.request.method),
    status: exchange.status,
    code: exchange.code,
    refusedBy: exchange.refusedBy,
    upstreamStatus: upstream?.status,
    upstream: exchange.upstreamName,
    tier: contract?.tier,
    credential: exchange.credential,
    bound: exchange.bound,
    traceId: exchange.traceId,
    subject: exchange.subject,
    idempotency: exchange.idempotency,
    masked: exchange.masked,
    stripped: exchange.stripped || undefined,
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
  measure(context, exchange)
  if (exchange.closed || response.destroyed) return
  const { responseBody: body, responseBytes } = exchange
  const headers = [
    ...['x-correlator', exchange.correlator],
    ...['x-exchange-id', exchange.id],
    ...['cache-control', 'no-store'],
    ...['x-content-type-options', 'nosniff'],
  ]
  if (exchange.secure) headers.push('strict-transport-security', 'max-age=31536000')
  const { use } = exchange
  if (use !== undefined && use.policy !== '') {
    headers.push('ratelimit-policy', use.policy)
    headers.push('ratelimit', use.remainder(context.monotonicMs(), context.nowMs()))
  }
  for (const field of exchange.responseHeaders) headers.push(field)
  if (exchange.status !== 204) headers.push('content-length', String(responseBytes))
  if (context.draining || exchange.closes || isTooMuchToDiscard(exchange))
    response.shouldKeepAlive = false
  response.writeHead(exchange.status, headers)
  // RFC 9110 section 9.3.2: an answer to HEAD has no body.
  if (request.method === 'HEAD' || responseBytes === 0) response.end()
  else response.end(body)
  const { socket } = response
  if (socket !== null && socket.writableLength > 0) {
    // A client that does not read its answer must not hold it for ever.
    const timer = setTimeout(() => response.destroy(), context.limits.responseTimeoutMs)
    response.once('close', () => clearTimeout(timer))
  }
}

const mostDiscarded = 16 * 1_048_576

/** A refused body is read and thrown away so that the client sees the answer; a very long one is cut off instead. */
function isTooMuchToDiscard(exchange: Exchange): boolean {
  const { request } = exchange
  if (request.complete) return false
  return Number(request.headers['content-length'] ?? 0) > mostDiscarded
}

function measure(context: GatewayContext, exchange: Exchange): void {
  const metrics = exchange.operation?.metrics ?? context.metrics.unrouted
  metrics.answered(exchange.status, context.monotonicMs() - exchange.startedMs, exchange.upstreamMs)
}

/** At most `limit` times true in each second. */
function perSecond(limit: number, monotonicMs: () => number): () => boolean {
  let windowStart = 0
  let used = 0
  return () => {
    const nowMs = monotonicMs()
    if (nowMs - windowStart >= 1_000) {
  // Refused before its operation was known: the end of its version is told all the same.
  const announcement =
    exchange.operation === undefined
      ? context.versions.at(exchange.path)?.headers
      : exchange.announcement
  if (announcement !== undefined) headers.push(...announcement)
  const { path } = exchange
  for (const field of context.crossOrigins.fields(path, request.url, request.headers.origin))
    headers.push(field)
      windowStart = nowMs
      used = 0
    }
    used += 1
    return used <= limit
  }
}
