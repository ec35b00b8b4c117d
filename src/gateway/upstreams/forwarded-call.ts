import { type Exchange, type Outcome, pending, type UpstreamResponse } from '../exchange.ts'
import type { GatewayContext } from '../gateway-context.ts'
import { type Refusal, refuse, refuseForNow } from '../refusal.ts'
import type { CallOutcome } from './circuit-breaker.ts'
import type { ServedApi } from './served-api.ts'
import { UpstreamCall, type UpstreamFailure, type UpstreamReceiver } from './upstream-call.ts'
import type { Endpoint, OutgoingCall } from './upstream-endpoint.ts'

/**
 * What is the same for all calls of one operation.
 * @public
 */
export type Forwarding = {
  context: GatewayContext
  served: ServedApi
  /** whether it changes nothing: it may be sent again, and to a shadow */
  safe: boolean
  timeoutMs: number
  /** everything of the call but where it goes */
  outgoing: (exchange: Exchange, remainingMs: number) => OutgoingCall
}

/**
 * of the bytes that a gateway holds, one API's calls may have this part: a hanging upstream is not everyone's
 * @public
 */
export const mostHeldPart = 0.25
/** below this a second attempt could not be answered any more */
const leastRemainingMs = 10

/**
 * One call on its way: to a target, and once more to another when the first one failed in a way that allows it. One
 * deadline is for all of it. It goes on with the exchange exactly once.
 * @public
 */
export class ForwardedCall implements UpstreamReceiver {
  #of: Forwarding
  #exchange: Exchange
  #endMs: number
  #endpoint: Endpoint | undefined
  #begun = 0
  #call: UpstreamCall | undefined
  #heldBytes = 0
  #bodyBytes = 0
  #attempts = 0
  #answeredBy: Endpoint | undefined

  constructor(of: Forwarding, exchange: Exchange) {
    this.#of = of
    this.#exchange = exchange
    exchange.upstreamStartedMs = of.context.monotonicMs()
    this.#endMs = exchange.upstreamEndMs ?? exchange.upstreamStartedMs + of.timeoutMs
  }

  start(): Outcome {
    const { served } = this.#of
    const nowMs = this.#exchange.upstreamStartedMs
    const endpoint = served.choose(this.#exchange.application?.id ?? '', nowMs)
    if (typeof endpoint === 'number') return notNow(endpoint)
    served.inFlight += 1
    this.#bodyBytes = this.#exchange.body.length
    served.heldBytes += this.#bodyBytes
    served.retries.count(nowMs)
    this.#exchange.upstreamCall = this
    return this.#send(endpoint, nowMs) ?? pending
  }

  /** The client is gone: the upstream need not go on. */
  cancel(): void {
    this.#call?.cancel()
  }

  hold(bytes: number): boolean {
    const { context, served } = this.#of
    this.#heldBytes += bytes
    this.#exchange.heldBytes += bytes
    context.heldBytes += bytes
    served.heldBytes += bytes
    return (
      context.heldBytes <= context.limits.bufferedBytes &&
      served.heldBytes <= context.limits.bufferedBytes * mostHeldPart
    )
  }

  received(response: UpstreamResponse): void {
    const endpoint = this.#endpoint
    if (endpoint === undefined) return
    const decoded = decode(endpoint, response)
    if ('kind' in decoded) {
      this.failed(decoded)
      return
    }
    const failed = decoded.status >= 500 && decoded.status !== 501
    const nowMs = this.#of.context.monotonicMs()
    endpoint.metrics.ended(failed ? '5xx' : 'fine')
    this.#left(endpoint, failed ? 'failed' : 'fine', decoded.status, undefined, nowMs)
    if (failed && this.#of.safe && mayAnswerElsewhere(decoded.status, endpoint) && this.#again())
      return
    this.#answeredBy = failed ? undefined : endpoint
    this.#finish(decoded, undefined, nowMs)
  }

  failed(failure: UpstreamFailure): void {
    const endpoint = this.#endpoint
    if (endpoint === undefined) return
    const nowMs = this.#of.context.monotonicMs()
    endpoint.metrics.ended(failure.kind)
    this.#left(endpoint, outcomeOf(failure), undefined, failure.kind, nowMs)
    if (this.#maySendAgain(failure, endpoint) && this.#again(failure.kind === 'broken')) return
    this.#finish(undefined, failure, nowMs)
  }

  /** What the later rules made of the answer: one that its document does not allow counts against a canary. */
  judged(usable: boolean): void {
    if (this.#answeredBy !== undefined) this.#of.served.judge(this.#answeredBy, !usable)
  }

  #send(endpoint: Endpoint, nowMs: number): Refusal | undefined {
    const { outgoing } = this.#of
    const remainingMs = Math.max(1, this.#endMs - nowMs)
    this.#exchange.trace?.beginAttempt(nowMs, endpoint.name)
    const request = endpoint.dialect.encode(outgoing(this.#exchange, remainingMs))
    if (request === undefined) {
      this.#leave()
      return refuse('PAYLOAD_TOO_LARGE', 'The request is larger than the service behind it takes.')
    }
    this.#attempts += 1
    this.#endpoint = endpoint
    this.#begun = endpoint.begin()
    this.#call = new UpstreamCall({
      origin: endpoint.origin,
      request,
      deadlineMs: remainingMs,
      largest: endpoint.largest,
      receiver: this,
    })
    this.#call.start()
    return undefined
  }

  #left(
    endpoint: Endpoint,
    outcome: CallOutcome,
    status: number | undefined,
    failure: UpstreamFailure['kind'] | undefined,
    nowMs: number,
  ): void {
    const { served } = this.#of
    this.#exchange.trace?.endAttempt(nowMs, status, failure)
    const before = endpoint.breakerState(nowMs)
    endpoint.end(this.#begun, outcome, nowMs)
    served.breakerWas(before, endpoint, nowMs)
    if (outcome !== 'failed') return
    served.failedAt(endpoint, nowMs)
    served.judge(endpoint, true)
  }

  /**
   * A write is sent again only when not a byte of it can have arrived; what changes nothing, also when the answer had
   * not begun.
   */
  #maySendAgain(failure: UpstreamFailure, endpoint: Endpoint): boolean {
    if (!failure.sent && (failure.kind === 'unreachable' || failure.kind === 'broken')) return true
    if (!this.#of.safe) return false
    if (endpoint.side === 'canary')
      return (
        failure.kind !== 'cancelled' && failure.kind !== 'no room' && failure.kind !== 'timeout'
      )
    return failure.kind === 'broken' && !failure.answering
  }

  /** @param samePlace whether the same target may be tried when there is no other: its connection was an old one */
  #again(samePlace = false): boolean {
    const { context, served } = this.#of
    const nowMs = context.monotonicMs()
    if (this.#attempts > 1 || this.#exchange.settled) return false
    if (this.#endMs - nowMs < leastRemainingMs) return false
    const other =
      served.chooseStable(nowMs, this.#endpoint) ??
      (samePlace && this.#endpoint?.waitMs(nowMs) === 0 ? this.#endpoint : undefined)
    if (other === undefined) return false
    // What a canary was tried with is new to the stable side: it carries no more than without the canary.
    if (this.#endpoint?.side !== 'canary' && !served.retries.take(nowMs)) return false
    this.#of.context.heldBytes -= this.#heldBytes
    served.heldBytes -= this.#heldBytes
    this.#exchange.heldBytes -= this.#heldBytes
    this.#heldBytes = 0
    served.metrics.retried(served.api.id)
    return this.#send(other, nowMs) === undefined
  }

  #finish(
    response: UpstreamResponse | undefined,
    failure: UpstreamFailure | undefined,
    nowMs: number,
  ): void {
    const { served } = this.#of
    const exchange = this.#exchange
    this.#leave()
    exchange.upstreamMs = nowMs - exchange.upstreamStartedMs
    exchange.upstreamName = this.#place()
    exchange.reached = failure === undefined || (failure.sent && failure.kind !== 'throttled')
    if (exchange.settled) return
    exchange.upstream = response
    if (served.canary !== undefined) exchange.canaryCall = this
    exchange.resume(failure === undefined ? undefined : refusalOf(failure))
    if (response !== undefined && served.shadow !== undefined) this.#follow(response)
  }

  #leave(): void {
    const { served } = this.#of
    served.inFlight -= 1
    served.heldBytes -= this.#bodyBytes + this.#heldBytes
    this.#exchange.upstreamCall = undefined
  }

  #follow(response: UpstreamResponse): void {
    const { safe, outgoing, served, timeoutMs } = this.#of
    if (!safe || served.shadow?.draws() !== true) return
    const call = outgoing(this.#exchange, timeoutMs)
    call.headers.push('x-wayleave-shadow', 'true')
    served.shadow.follow(call, response, timeoutMs)
  }

  /** `primary` and `canary` where there are two sides, the target's name where there are several. */
  #place(): string {
    const { served } = this.#of
    if (this.#endpoint?.side === 'canary') return 'canary'
    if (served.canary !== undefined || served.primaries.length < 2) return 'primary'
    return this.#endpoint?.name ?? 'primary'
  }
}

/** None was asked for, so what came in one cannot be read, checked or passed on. */
function decode(
  endpoint: Endpoint,
  response: UpstreamResponse,
): UpstreamResponse | UpstreamFailure {
  const coding = response.headers['content-encoding']
  return coding === undefined || coding === 'identity'
    ? endpoint.dialect.decode(response)
    : { kind: 'broken', fault: 'a content coding', sent: true, answering: true }
}

/** A target that says so itself is busy or gone; of a canary every fault is one. */
const mayAnswerElsewhere = (status: number, endpoint: Endpoint): boolean =>
  endpoint.side === 'canary' || (status >= 502 && status <= 504)

function outcomeOf({ kind }: UpstreamFailure): CallOutcome {
  return kind === 'unsendable' || kind === 'cancelled' || kind === 'no room' || kind === 'throttled'
    ? 'nothing'
    : 'failed'
}

function notNow(waitMs: number): Refusal {
  return refuse('UNAVAILABLE', 'The service behind this API is failing. Try again later.', {
    headers: ['retry-after', String(Math.ceil(waitMs / 1_000))],
    fault: { reason: 'no target of the upstream may be called now' },
  })
}

function refusalOf(failure: UpstreamFailure): Refusal {
  const fault = { reason: failure.words ?? failure.kind, detail: failure.fault }
  switch (failure.kind) {
    case 'timeout':
      return refuse('TIMEOUT', 'The service behind this API did not answer in time.', { fault })
    case 'unreachable':
      return refuseForNow('The service behind this API cannot be reached.', fault)
    case 'no room':
      return refuseForNow('The gateway is at its limit. Try again in a moment.', fault)
    case 'throttled':
      return refuse('UNAVAILABLE', 'The service behind this API is busy. Try again in a moment.', {
        headers: ['retry-after', String(failure.retryAfterSeconds ?? 1)],
        fault,
      })
    case 'broken':
    case 'too large':
    case 'function':
    case 'invocation':
    case 'unsendable':
    case 'cancelled':
      return refuse('BAD_GATEWAY', 'The service behind this API gave no usable answer.', { fault })
  }
}
