import type { Dispatcher } from 'undici'
import type { UpstreamResponse } from './exchange.ts'
import type { Origin } from './upstream-origin.ts'

export type UpstreamRequest = {
  method: string
  path: string
  /** name and value in turn */
  headers: string[]
  body: Buffer | null
}

/** Why there is no response. `fault` is for the log. */
export type UpstreamFailure = {
  kind:
    | 'timeout'
    | 'unreachable'
    | 'broken'
    | 'too large'
    | 'no room'
    | 'cancelled'
    /** the function of a function upstream failed, or cannot be invoked */
    | 'function'
    /** it has no room for this call now */
    | 'throttled'
  fault: string
  /** whether a byte of the request may have reached the upstream */
  sent: boolean
  /** whether the upstream had begun to answer */
  answering: boolean
  retryAfterSeconds?: number
}

/** Who waits for a call: told exactly once, of the response or of why there is none. */
export interface UpstreamReceiver {
  /** Counts bytes that are kept; false when there is no room for them. */
  hold(bytes: number): boolean
  received(response: UpstreamResponse): void
  failed(failure: UpstreamFailure): void
}

/**
 * One request to one origin, and its response read whole. It settles exactly once, at its deadline at the latest, which
 * is for all of it, connecting included.
 */
export class UpstreamCall implements Dispatcher.DispatchHandler {
  #origin: Origin
  #request: UpstreamRequest
  #deadlineMs: number
  #largest: number
  #receiver: UpstreamReceiver
  #timer: NodeJS.Timeout | undefined
  #controller: Dispatcher.DispatchController | undefined
  #done = false
  #status = 0
  #headers: UpstreamResponse['headers'] = {}
  #chunks: Buffer[] = []
  #size = 0

  constructor(options: {
    origin: Origin
    request: UpstreamRequest
    deadlineMs: number
    largest: number
    receiver: UpstreamReceiver
  }) {
    this.#origin = options.origin
    this.#request = options.request
    this.#deadlineMs = options.deadlineMs
    this.#largest = options.largest
    this.#receiver = options.receiver
  }

  start(): void {
    const deadlineMs = this.#deadlineMs
    this.#timer = setTimeout(
      () => this.#fail('timeout', `no whole answer within ${Math.round(deadlineMs)} ms`),
      deadlineMs,
    )
    this.#origin.pool.dispatch(this.#request, this)
  }

  /** The client is gone: the upstream need not go on. */
  cancel(): void {
    this.#fail('cancelled', 'the client closed the connection')
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
    if (this.#size > this.#largest) this.#fail('too large', `more than ${this.#largest} bytes`)
    else if (!this.#receiver.hold(chunk.length))
      this.#fail('no room', 'all bodies together are at their bound')
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#done) return
    this.#finish()
    const [first] = this.#chunks
    const body =
      this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
    this.#receiver.received({ status: this.#status, headers: this.#headers, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#done) return
    const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
    this.#fail(kindOf(code), code)
  }

  #fail(kind: UpstreamFailure['kind'], fault: string): void {
    if (this.#done) return
    this.#finish()
    this.#chunks = []
    this.#controller?.abort(new Error(fault))
    this.#receiver.failed({
      kind,
      fault,
      // The request is written when the connection stands, and not before this is told.
      sent: this.#controller !== undefined,
      answering: this.#status !== 0,
    })
  }

  #finish(): void {
    this.#done = true
    clearTimeout(this.#timer)
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

function kindOf(code: string): UpstreamFailure['kind'] {
  if (unreachable.has(code) || isTlsFailure(code)) return 'unreachable'
  return code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'too large' : 'broken'
}

// A handshake that fails is a connection that was never made.
const isTlsFailure = (code: string): boolean =>
  /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_)/.test(code)
