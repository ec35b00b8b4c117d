import type { IncomingHttpHeaders } from 'node:http'
import type { Socket } from 'node:net'
import { isCrumbled } from '../upstreams/body-pieces.ts'
import type { GatewayRequest, GatewayResponse } from './messages.ts'
import type { RequestHead } from './request-head.ts'
import type { Content, WireResponse } from './response-text.ts'

/** What a call needs of its connection. */
export interface CallOwner {
  readonly socket: Socket
  /**
   * A call has been answered.
   * @throws when the answer cannot be sent
   */
  answered(call: Http1Call, status: number, fields: readonly string[], content: Content): void
  /** Whether bytes may be sent for this call now: those before it have their answers. */
  hasTurn(call: Http1Call): boolean
  /** Asks for the body of the call that has its turn. */
  sendContinue(): void
  /** What is kept of a body has changed. */
  regulate(): void
  /** Ends the connection. */
  drop(): void
}

type OnData = (chunk: Buffer, pieces?: number) => void

/** One request of HTTP/1.1 and its answer: no streams, because both are read and written whole. */
export class Http1Call implements GatewayRequest, GatewayResponse {
  readonly method: string
  readonly url: string
  readonly httpVersion: string
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
  readonly socket: Socket
  readonly body: Buffer | undefined
  complete: boolean
  shouldKeepAlive: boolean
  /** the answer; it may have to wait for its turn */
  wire: WireResponse | undefined
  /** whether nothing can be sent or heard any more */
  destroyed = false
  /** bytes of the body that nobody has taken yet */
  keptBytes = 0
  /** `100 Continue` is to be sent when its turn has come */
  asksForBody = false
  #owner: CallOwner
  #status = 0
  #fields: readonly string[] = []
  #onClose: (() => void) | undefined
  #onData: OnData | undefined
  #onEnd: (() => void) | undefined
  #kept: { chunk: Buffer; pieces: number }[] | undefined

  constructor(owner: CallOwner, head: RequestHead, body: Buffer | undefined) {
    this.#owner = owner
    this.method = head.method
    this.url = head.target
    this.httpVersion = head.version
    this.headers = head.headers
    this.rawHeaders = head.rawHeaders
    this.socket = owner.socket
    this.body = body
    this.complete = body !== undefined
    this.shouldKeepAlive = head.persistent
  }

  on(event: 'close' | 'data' | 'end', listener: OnData & (() => void)): void {
    if (event === 'close') this.#onClose = listener
    else if (event === 'end') this.#onEnd = listener
    else {
      this.#onData = listener
      // Whoever listens is told when it has had the time to say what else it listens to.
      if (this.#kept !== undefined || this.complete) queueMicrotask(() => this.#giveKept())
    }
  }

  writeContinue(): void {
    this.asksForBody = true
    if (this.#owner.hasTurn(this)) this.sendContinue()
  }

  sendContinue(): void {
    if (!this.asksForBody || this.destroyed) return
    this.asksForBody = false
    if (!this.complete) this.#owner.sendContinue()
  }

  /** Whether its answer is there, or has even left. */
  get answered(): boolean {
    return this.wire !== undefined || this.destroyed
  }

  writeHead(status: number, fields: readonly string[]): void {
    this.#status = status
    this.#fields = fields
  }

  end(content?: Content): void {
    if (this.wire !== undefined || this.destroyed) return
    this.#owner.answered(this, this.#status, this.#fields, content)
  }

  destroy(): void {
    this.#owner.drop()
  }

  /** A part of the body has come. */
  receive(chunk: Buffer, pieces: number): void {
    if (this.#onData !== undefined && this.#kept === undefined) {
      this.#onData(chunk, pieces)
      return
    }
    this.#kept ??= []
    this.#kept.push({ chunk, pieces })
    this.keptBytes += chunk.length
    this.#owner.regulate()
  }

  /** The body is whole. */
  finish(): void {
    this.complete = true
    if (this.#kept === undefined) this.#onEnd?.()
  }

  discardRest(mostBytes: number): void {
    let pieces = 0
    let bytes = 0
    this.#kept = undefined
    this.keptBytes = 0
    this.#onEnd = undefined
    this.#onData = (chunk, more = 1) => {
      pieces += more
      bytes += chunk.length
      if (bytes > mostBytes || isCrumbled(pieces, bytes)) this.#owner.drop()
    }
    this.#owner.regulate()
  }

  /** The answer has left, or the connection is gone. */
  close(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.wire = undefined
    this.#onClose?.()
  }

  #giveKept(): void {
    const kept = this.#kept ?? []
    this.#kept = undefined
    this.keptBytes = 0
    this.#owner.regulate()
    for (const { chunk, pieces } of kept) this.#onData?.(chunk, pieces)
    if (this.complete) this.#onEnd?.()
  }
}
