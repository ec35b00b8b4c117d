import type { Dispatcher } from 'undici'
import type { Exchange, UpstreamResponse } from './exchange.ts'
import type { Upstream } from './upstream-pools.ts'

/** Why there is no response. `fault` is for the log. */
export type UpstreamFailure = {
  kind: 'timeout' | 'unreachable' | 'broken' | 'too large' | 'no room' | 'cancelled'
  fault: string
}

type Settled = (
  exchange: Exchange,
  response: UpstreamResponse | undefined,
  failure: UpstreamFailure | undefined,
) => void

/**
 * One call of an upstream, read whole. It settles exactly once: with the response, or with why there is none. The
 * deadline is for all of it, connecting included.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  #exchange: Exchange
  #upstream: Upstream
  #request: Dispatcher.DispatchOptions
  #largest: number
  #hold: (exchange: Exchange, bytes: number) => boolean
  #settled: Settled
  #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | undefined
  #done = false
  #retried = false
  #status = 0
  #headers: UpstreamResponse['headers'] = {}
  #chunks: Buffer[] = []
  #size = 0

  constructor(options: {
    exchange: Exchange
    upstream: Upstream
    request: Dispatcher.DispatchOptions
    deadlineMs: number
    largest: number
    /** counts bytes that are kept; false when there is no room for them */
    hold: (exchange: Exchange, bytes: number) => boolean
    settled: Settled
  }) {
    this.#exchange = options.exchange
    this.#upstream = options.upstream
    this.#request = options.request
    this.#largest = options.largest
    this.#hold = options.hold
    this.#settled = options.settled
    this.#timer = setTimeout(
      () => this.#fail({ kind: 'timeout', fault: `no answer within ${options.deadlineMs} ms` }),
      options.deadlineMs,
    )
  }

  start(): void {
    this.#upstream.begin()
    this.#upstream.pool.dispatch(this.#request, this)
  }

  /** The client is gone: the upstream need not go on. */
  cancel(): void {
    this.#fail({ kind: 'cancelled', fault: 'the client closed the connection' })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#done) controller.abort(new Error('no longer wanted'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: UpstreamResponse['headers'],
  ): void {
    // 1xx announce; the response is still to come.
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#done) return
    this.#size += chunk.length
    if (this.#size > this.#largest)
      this.#fail({ kind: 'too large', fault: `more than ${this.#largest} bytes` })
    else if (!this.#hold(this.#exchange, chunk.length))
      this.#fail({ kind: 'no room', fault: 'all bodies together are at their bound' })
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#done) return
    this.#finish()
    const [first] = this.#chunks
    const body =
      this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
    this.#settled(this.#exchange, { status: this.#status, headers: this.#headers, body }, undefined)
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#done) return
    const failure = failureOf(error)
    // A kept-alive connection that the upstream closed at the same moment: a safe method may be sent once more.
    const resettable = failure.kind === 'broken' && this.#status === 0 && this.#size === 0
    if (
      resettable &&
      !this.#retried &&
      this.#request.method === 'GET' &&
      this.#upstream.mayRetry()
    ) {
      this.#retried = true
      this.#upstream.pool.dispatch(this.#request, this)
      return
    }
    this.#fail(failure)
  }

  #fail(failure: UpstreamFailure): void {
    if (this.#done) return
    this.#finish()
    this.#chunks = []
    this.#controller?.abort(new Error(failure.fault))
    this.#settled(this.#exchange, undefined, failure)
  }

  #finish(): void {
    this.#done = true
    clearTimeout(this.#timer)
    this.#upstream.end()
  }
}

const unreachable = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
])

function failureOf(error: Error): UpstreamFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  if (unreachable.has(code) || isTlsFailure(code)) return { kind: 'unreachable', fault: code }
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return { kind: 'too large', fault: code }
  return { kind: 'broken', fault: code }
}

// A handshake that fails is a connection that was never made.
const isTlsFailure = (code: string): boolean =>
  /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_)/.test(code)
