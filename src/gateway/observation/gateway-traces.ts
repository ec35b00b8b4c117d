import type { Environment } from '#platform/config'
import { parseTraceparent, parseTracestate } from '#platform/trace-context'
import { type FinishedSpan, type SpanEvent, TraceIds, type Tracing } from '#platform/tracing'
import type { Exchange } from '../exchange.ts'
import { type Attempt, ExchangeTrace } from './exchange-trace.ts'

/** calls that one application may have traced by its own flag, a second; beyond it the operator's share decides */
const askedPerApplication = 10
const askedInAll = 100
/** failures that are traced although they were not sampled, a second */
const failuresPerSecond = 20
const mostApplications = 1_000

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

export type GatewayTracing = {
  tracing: Tracing
  /** part of the calls that begin a trace here and are sampled, 0 to 1 */
  share: number
  environment: Environment
  /** what partners reach: the Host field is the caller's word, and stays out */
  host: string
}

/**
 * Which exchanges are traced, and their spans. Sampling follows the caller's flag within a bound for each known
 * application, and otherwise the operator's share; failures are traced in any case, a few a second.
 * @public
 */
export class GatewayTraces {
  #options: GatewayTracing
  #ids = new TraceIds()
  #monotonicMs: () => number
  #second = 0
  #asked = new Map<string, number>()
  #askedInAll = 0
  #failures = 0

  constructor(options: GatewayTracing, monotonicMs: () => number) {
    this.#options = options
    this.#monotonicMs = monotonicMs
  }

  /** Takes up the caller's trace, or begins one. */
  begin(exchange: Exchange): void {
    const { headers } = exchange.request
    const ids = this.#ids
    const parent = parseTraceparent(headers.traceparent)
    exchange.trace = new ExchangeTrace({
      traceId: parent?.traceId ?? ids.traceId(),
      spanId: ids.spanId(),
      parentId: parent?.parentId,
      asked: parent?.sampled === true,
      sampled: parent === undefined && ids.chance(this.#options.share),
      newSpanId: () => ids.spanId(),
    })
    if (parent === undefined) return
    exchange.traceId = parent.traceId
    if (headers.tracestate !== undefined) exchange.tracestate = parseTracestate(headers.tracestate)
  }

  /** Once the caller is known: a stranger's flag counts for nothing, and a partner's within a bound. */
  sample(exchange: Exchange): void {
    const { trace, application } = exchange
    if (trace === undefined) return
    if (trace.asked && !trace.sampled)
      trace.sampled =
        (application !== undefined && this.#mayAsk(application.id)) ||
        this.#ids.chance(this.#options.share)
    exchange.traceparent = trace.traceparent()
  }

  /** Before the exchange is written down: whether its record names a trace that will be found. */
  settle(exchange: Exchange): void {
    const { trace } = exchange
    if (trace === undefined) return
    if (!trace.sampled && exchange.status >= 500) trace.sampled = this.#mayFail()
    if (trace.sampled) exchange.traceId = trace.traceId
  }

  /** After the answer: hands the spans over. */
  finish(exchange: Exchange): void {
    const { trace } = exchange
    if (trace === undefined || !trace.sampled) return
    const endedMs = this.#monotonicMs()
    const wallMs = (monotonicMs: number): number => exchange.at + monotonicMs - exchange.startedMs
    const { tracing } = this.#options
    for (const [index, attempt] of attemptsOf(exchange, trace, () => this.#ids.spanId()).entries())
      tracing.record(clientSpan(exchange, trace, attempt, index, wallMs, endedMs))
    tracing.record(this.#serverSpan(exchange, trace, wallMs, endedMs))
  }

  #serverSpan(
    exchange: Exchange,
    trace: ExchangeTrace,
    wallMs: (monotonicMs: number) => number,
    endedMs: number,
  ): FinishedSpan {
    const { operation, contract } = exchange
    const method = methodOf(exchange)
    const route =
      operation === undefined ? undefined : operation.api.basePath + operation.documented.path
    return {
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentId: trace.parentId,
      parentIsRemote: true,
      kind: 'server',
      name: route === undefined ? method : `${method} ${route}`,
      startMs: exchange.at,
      endMs: wallMs(endedMs),
      failed: exchange.status >= 500,
      attributes: {
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': exchange.status,
        'url.scheme': exchange.secure ? 'https' : 'http',
        'server.address': this.#options.host,
        'network.protocol.version': exchange.request.httpVersion,
        'error.type':
          exchange.status >= 500 ? (exchange.code ?? String(exchange.status)) : undefined,
        'wayleave.exchange': exchange.id,
        'wayleave.environment': this.#options.environment,
        'wayleave.api': operation?.api.id,
        'wayleave.operation': operation?.documented.operationId,
        'wayleave.owner': operation?.api.owner.team,
        'wayleave.application': exchange.application?.id,
        'wayleave.contract': contract?.id,
        'wayleave.tier': contract?.tier,
        'wayleave.code': exchange.code,
        'wayleave.refused_by': exchange.refusedBy,
        'wayleave.upstream': exchange.upstreamName,
      },
      events: eventsOf(exchange, trace, wallMs, endedMs),
    }
  }

  #mayAsk(applicationId: string): boolean {
    this.#turn()
    const used = this.#asked.get(applicationId) ?? 0
    if (used >= askedPerApplication || this.#askedInAll >= askedInAll) return false
    if (this.#asked.size >= mostApplications) return false
    this.#asked.set(applicationId, used + 1)
    this.#askedInAll += 1
    return true
  }

  #mayFail(): boolean {
    this.#turn()
    this.#failures += 1
    return this.#failures <= failuresPerSecond
  }

  #turn(): void {
    const second = Math.floor(this.#monotonicMs() / 1_000)
    if (second === this.#second) return
    this.#second = second
    this.#asked.clear()
    this.#askedInAll = 0
    this.#failures = 0
  }
}

const methodOf = (exchange: Exchange): string => {
  const { method = '' } = exchange.request
  return methods.has(method) ? method : '_OTHER'
}

/** Of a failure that was not sampled only the last attempt is known. */
function attemptsOf(
  exchange: Exchange,
  trace: ExchangeTrace,
  newSpanId: () => string,
): readonly Attempt[] {
  if (trace.attempts.length > 0 || exchange.upstreamMs === undefined) return trace.attempts
  return [
    {
      spanId: newSpanId(),
      startedMs: exchange.upstreamStartedMs,
      endedMs: exchange.upstreamStartedMs + exchange.upstreamMs,
      target: exchange.upstreamName,
      status: exchange.upstream?.status,
      failure: exchange.upstream === undefined ? (exchange.code ?? 'failed') : undefined,
    },
  ]
}

function clientSpan(
  exchange: Exchange,
  trace: ExchangeTrace,
  attempt: Attempt,
  index: number,
  wallMs: (monotonicMs: number) => number,
  endedMs: number,
): FinishedSpan {
  const { status, failure } = attempt
  const method = methodOf(exchange)
  const failed = failure !== undefined || (status ?? 0) >= 400
  return {
    traceId: trace.traceId,
    spanId: attempt.spanId,
    parentId: trace.spanId,
    parentIsRemote: false,
    kind: 'client',
    name: method,
    startMs: wallMs(attempt.startedMs),
    endMs: wallMs(attempt.endedMs === 0 ? endedMs : attempt.endedMs),
    failed,
    attributes: {
      'http.request.method': method,
      'http.response.status_code': status,
      ...serverOf(attempt.target),
      'http.request.resend_count': index === 0 ? undefined : index,
      'error.type': failed ? (failure ?? String(status)) : undefined,
      'wayleave.api': exchange.operation?.api.id,
      'wayleave.operation': exchange.operation?.documented.operationId,
      'wayleave.upstream': attempt.target,
    },
    events: [],
  }
}

/** Targets are named by their hosts, functions by their names. */
function serverOf(target = ''): { 'server.address'?: string; 'server.port'?: number } {
  const [, host, port] =
    /^(\[[0-9a-f:.]+\]|[\w-]+(?:\.[\w-]+)*)(?::(\d{1,5}))?(?:\/|$)/i.exec(target) ?? []
  if (host === undefined || (port === undefined && !host.includes('.'))) return {}
  return { 'server.address': host, ...(port === undefined ? {} : { 'server.port': Number(port) }) }
}

function eventsOf(
  exchange: Exchange,
  trace: ExchangeTrace,
  wallMs: (monotonicMs: number) => number,
  endedMs: number,
): SpanEvent[] {
  const events: SpanEvent[] = trace.waits.map(({ rule, startedMs, endedMs: until }) => ({
    name: 'waited',
    atMs: wallMs(startedMs),
    attributes: { 'wayleave.rule': rule, 'wayleave.waited_ms': until - startedMs },
  }))
  if (exchange.refusedBy !== undefined)
    events.push({
      name: 'refused',
      atMs: wallMs(endedMs),
      attributes: {
        'wayleave.rule': exchange.refusedBy,
        ...(exchange.code === undefined ? {} : { 'wayleave.code': exchange.code }),
      },
    })
  return events
}
