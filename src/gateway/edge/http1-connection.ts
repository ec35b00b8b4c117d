import type { Socket } from 'node:net'
import type { GatewayLimits } from '../gateway-limits.ts'
import type { FieldNames } from '../upstreams/field-text.ts'
import type { Connection } from './connection.ts'
import type { EdgeEvents } from './edge-metrics.ts'
import { type CallOwner, Http1Call } from './http1-call.ts'
import type { Handle } from './messages.ts'
import { refuseRaw } from './refuse-raw.ts'
import type { ReadFault, RequestHead } from './request-head.ts'
import { RequestParser, type RequestSink } from './request-parser.ts'
import {
  type Content,
  type HttpDate,
  sizeOf,
  type WireResponse,
  writeResponse,
} from './response-text.ts'

/** What the connections of one address have in common. */
export type Http1Settings = {
  limits: GatewayLimits
  secure: boolean
  handle: Handle
  events: EdgeEvents
  monotonicMs: () => number
  date: HttpDate
  names: FieldNames
}

/** beyond so many bytes that wait, nothing more is read until some of them have left */
const mostHeldBytes = 65_536
/**
 * Clients are told `keepAliveTimeoutMs`, and waited for a little longer, so that a request which is sent at the last
 * moment does not meet a closed connection.
 */
const keepAliveBufferMs = 2_000

/**
 * One connection of HTTP/1.1. Requests are begun as they come, and answered in their order; each answer leaves in one
 * write. Nothing here is a stream or a timer: `look` is called once a second.
 */
export class Http1Connection implements Connection, RequestSink, CallOwner {
  readonly socket: Socket
  requests = 0
  waiting = 0
  ended = false
  readonly #settings: Http1Settings
  readonly #parser: RequestParser
  readonly #keepAlive: string
  /** hears that TLS has handed an answer to the system */
  readonly #taken: (() => void) | undefined
  readonly #gone: (connection: Http1Connection) => void
  /** in the order in which they came, until their answers have left */
  readonly #calls: Http1Call[] = []
  /** how many of them, the first ones, are written and not yet with the system */
  #written = 0
  /** bytes of answers that wait for their turn */
  #heldBytes = 0
  #receiving: Http1Call | undefined
  /** nothing more is read or written */
  #closing = false
  #paused = false
  /** the last request that began and was not whole at once, and when */
  #begun = 0
  #begunMs: number
  /** requests that had come when it was first seen idle, and when that was */
  #idleAfter = -1
  #idleSinceMs = 0
  /** the answer that was last seen waiting for its reader, and since when */
  #unread: Http1Call | Http1Connection | undefined
  #unreadSinceMs = 0
  #isWaitingForSystem = false

  constructor(socket: Socket, settings: Http1Settings, gone: (one: Http1Connection) => void) {
    this.socket = socket
    this.#settings = settings
    this.#gone = gone
    this.#parser = new RequestParser(this, settings.names, settings.limits.headerBytes)
    this.#begunMs = settings.monotonicMs()
    const seconds = Math.floor(settings.limits.keepAliveTimeoutMs / 1_000)
    this.#keepAlive = `Connection: keep-alive\r\nKeep-Alive: timeout=${seconds}\r\n`
    this.#taken = settings.secure ? () => this.#release() : undefined
    socket.on('end', () => this.#left())
    socket.on('error', (error: Error & { code?: unknown }) => {
      settings.events.unreadable(error.code === 'ECONNRESET' ? 'reset' : 'other')
    })
    socket.on('close', () => this.#closed())
  }

  /** Whether nothing is on its way. One on which no request has come yet may have one on its way. */
  get idle(): boolean {
    return this.requests > 0 && this.#calls.length === 0 && !this.#parser.partial
  }

  begin(head: RequestHead, body: Buffer | undefined): void {
    const call = new Http1Call(this, head, body)
    this.requests += 1
    this.waiting += 1
    this.#calls.push(call)
    this.#receiving = body === undefined ? call : undefined
    const { handle, secure } = this.#settings
    const expectsContinue =
      head.version === '1.1' && head.headers.expect?.toLowerCase() === '100-continue'
    handle(call, call, { secure, expectsContinue, connection: this })
  }

  body(bytes: Buffer, pieces: number): void {
    this.#receiving?.receive(bytes, pieces)
  }

  finish(): void {
    const call = this.#receiving
    this.#receiving = undefined
    call?.finish()
  }

  discardRest(mostBytes: number): void {
    this.#receiving?.discardRest(mostBytes)
  }

  hasTurn(call: Http1Call): boolean {
    return this.#calls[this.#written] === call && !this.#closing
  }

  answered(call: Http1Call, status: number, fields: readonly string[], content: Content): void {
    // Written down at once: what cannot be sent is a fault of this call, and not of the one before it.
    const wire = writeResponse({
      status,
      fields,
      content,
      date: this.#settings.date.text,
      connection: call.shouldKeepAlive ? this.#keepAlive : 'Connection: close\r\n',
    })
    call.wire = wire
    this.#heldBytes += sizeOf(wire)
    if (this.hasTurn(call)) this.#write()
    else this.regulate()
  }

  sendContinue(): void {
    // Whoever waits for the answers before it is told by the last write.
    this.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1', this.#taken)
  }

  /** Ends the connection, and with it whatever is on its way. */
  drop(): void {
    this.#closing = true
    this.ended = true
    this.socket.destroy()
  }

  regulate(): void {
    const { socket } = this
    const kept = this.#receiving?.keptBytes ?? 0
    const tooMuch = this.#heldBytes + socket.writableLength > mostHeldBytes || kept > mostHeldBytes
    if (tooMuch === this.#paused) return
    this.#paused = tooMuch
    if (tooMuch) socket.pause()
    else socket.resume()
  }

  /** Ends what takes too long; to be called once a second. */
  look(nowMs: number): void {
    const { limits } = this.#settings
    const { headersTimeoutMs, requestTimeoutMs, keepAliveTimeoutMs, responseTimeoutMs } = limits
    const first = this.#written > 0 ? this.#calls[0] : undefined
    const unread = first ?? (this.#closing ? this : undefined)
    if (unread !== this.#unread) {
      this.#unread = unread
      this.#unreadSinceMs = nowMs
    } else if (unread !== undefined && nowMs - this.#unreadSinceMs > responseTimeoutMs) this.drop()
    // What is left unread here is not late.
    if (this.#paused) this.#begunMs = nowMs
    const begunForMs = nowMs - this.#begunMs
    if (this.#parser.partial) {
      const mostMs = this.#parser.inHead ? headersTimeoutMs : requestTimeoutMs
      if (begunForMs > mostMs) this.#refuse('timeout', 408)
    } else if (this.requests === 0 && begunForMs > headersTimeoutMs) this.#refuse('timeout', 408)
    else if (this.idle && this.#idleAfter !== this.requests) {
      this.#idleAfter = this.requests
      this.#idleSinceMs = nowMs
      this.#parser.forget()
    } else if (this.idle && nowMs - this.#idleSinceMs > keepAliveTimeoutMs + keepAliveBufferMs)
      this.drop()
  }

  /** Takes the first `length` bytes, which may change after the call. */
  read(bytes: Buffer, length: number): void {
    if (this.#closing) return
    const fault = this.#parser.feed(bytes, length)
    if (fault !== undefined) this.#refuse(fault.code, fault.status)
    else if (this.#parser.partial && this.#parser.begun !== this.#begun) {
      this.#begun = this.#parser.begun
      this.#begunMs = this.#settings.monotonicMs()
    }
  }

  /** Writes the answers whose turn it is. */
  #write(): void {
    for (;;) {
      const call = this.#calls[this.#written]
      if (call === undefined || this.#closing) break
      const { wire } = call
      if (wire === undefined) {
        call.sendContinue()
        break
      }
      this.#heldBytes -= sizeOf(wire)
      this.#written += 1
      this.#send(call, wire)
    }
    this.#release()
  }

  #send(call: Http1Call, { text, body }: WireResponse): void {
    const { socket } = this
    const taken = this.#taken
    if (body === undefined) socket.write(text, 'latin1', taken)
    else {
      socket.cork()
      socket.write(text, 'latin1')
      socket.write(body, taken)
      socket.uncork()
    }
    if (call.shouldKeepAlive) return
    this.ended = true
    this.#closing = true
    socket.destroySoon()
  }

  /** Tells the calls whose answers the system has taken. */
  #release(): void {
    const { socket } = this
    if (socket.writableLength > 0 && !socket.destroyed) {
      this.#waitForSystem()
      this.regulate()
      return
    }
    while (this.#written > 0) {
      this.#written -= 1
      this.#end(this.#calls.shift())
    }
    if (this.#paused) this.regulate()
  }

  #waitForSystem(): void {
    if (this.#isWaitingForSystem || this.#closing || this.#taken !== undefined) return
    this.#isWaitingForSystem = true
    // Plain connections hardly ever wait; TLS always does, and tells by `#taken`. An empty write is done when all before it is.
    this.socket.write('', () => {
      this.#isWaitingForSystem = false
      this.#release()
    })
  }

  #end(call: Http1Call | undefined): void {
    if (call === undefined) return
    this.waiting -= 1
    call.close()
  }

  /** Answers what is no request, where that cannot be taken for the answer to another one, and ends the connection. */
  #refuse(code: ReadFault['code'] | 'timeout', status: number): void {
    const { socket } = this
    if (this.#closing) return
    this.#settings.events.unreadable(code)
    const others = this.#calls.filter((call) => call !== this.#receiving)
    this.#closing = true
    this.ended = true
    if (others.length > 0 || this.#receiving?.answered === true || !socket.writable) this.drop()
    else refuseRaw(socket, status, messageOf(code, this.#settings.limits))
  }

  /** Half of the connection is closed: its client has left, as far as one can tell. */
  #left(): void {
    if (this.#parser.partial && !this.#closing) this.#refuse('cut-off', 400)
    else {
      this.#closing = true
      this.socket.destroySoon()
    }
  }

  #closed(): void {
    this.#closing = true
    this.ended = true
    this.#written = 0
    this.#gone(this)
    for (const call of this.#calls.splice(0)) this.#end(call)
  }
}

function messageOf(code: ReadFault['code'] | 'timeout', limits: GatewayLimits): string {
  switch (code) {
    case 'timeout':
      return 'The request did not arrive in time.'
    case 'head-size':
      return `The header fields may have ${limits.headerBytes} bytes together.`
    case 'connect':
      return 'This is not a proxy.'
    case 'request-line':
    case 'field':
    case 'framing':
    case 'chunk':
    case 'cut-off':
      return 'This is not a well-formed HTTP/1.1 request.'
  }
}
