import type { UpstreamResponse } from '../exchange.ts'
import type { UpstreamRequest } from './request-text.ts'
import type { ResponseHead } from './response-head.ts'
import type { Flight, FlightReceiver } from './upstream-connection.ts'
import type { Origin } from './upstream-origin.ts'

/** Why there is no response. `fault` is for the log. */
export type UpstreamFailure = {
  kind:
    | 'timeout'
    | 'unreachable'
    | 'broken'
    | 'too large'
    | 'no room'
    | 'cancelled'
    /** a part of the request cannot be written: no fault of the upstream */
    | 'unsendable'
    /** the function of a function upstream crashed */
    | 'function'
    /** it was never run: the service in front of it refused, or failed */
    | 'invocation'
    /** it has no room for this call now */
    | 'throttled'
  fault: string
  /** for the record of the call, where `kind` says too little; fixed words */
  words?: string
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
export class UpstreamCall implements FlightReceiver {
  #origin: Origin
  #request: UpstreamRequest
  #deadlineMs: number
  #largest: number
  #receiver: UpstreamReceiver
  #timer: NodeJS.Timeout | undefined
  #flight: Flight | undefined
  #sent = false
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
    try {
      this.#flight = this.#origin.send(this.#request, this)
    } catch (error) {
      this.#fail('unsendable', error instanceof Error ? error.message : String(error))
    }
  }

  /** The client is gone: the upstream need not go on. */
  cancel(): void {
    this.#fail('cancelled', 'the client closed the connection')
  }

  sent(): void {
    this.#sent = true
  }

  headed({ status, headers }: ResponseHead): void {
    this.#status = status
    this.#headers = headers
  }

  data(bytes: Buffer): void {
    if (this.#done) return
    this.#size += bytes.length
    if (this.#size > this.#largest) this.#fail('too large', `more than ${this.#largest} bytes`)
    else if (!this.#receiver.hold(bytes.length))
      this.#fail('no room', 'all bodies together are at their bound')
    else this.#chunks.push(bytes)
  }

  ended(): void {
    if (this.#done) return
    this.#finish()
    const [first] = this.#chunks
    const body =
      this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks)
    this.#receiver.received({ status: this.#status, headers: this.#headers, body })
  }

  broke(code: string): void {
    this.#fail(kindOf(code), code)
  }

  #fail(kind: UpstreamFailure['kind'], fault: string): void {
    if (this.#done) return
    this.#finish()
    this.#chunks = []
    this.#flight?.cancel()
    this.#receiver.failed({
      kind,
      fault,
      sent: this.#sent,
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
  'CONNECT_TIMEOUT',
])

function kindOf(code: string): UpstreamFailure['kind'] {
  return unreachable.has(code) || isTlsFailure(code) ? 'unreachable' : 'broken'
}

// A handshake that fails is a connection that was never made.
const isTlsFailure = (code: string): boolean =>
  /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_)/.test(code)
