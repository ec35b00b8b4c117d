import { connect as connectPlain, isIP, type LookupFunction, type Socket } from 'node:net'
import { connect as connectTls, type SecureContext } from 'node:tls'
import type { ResponseHead } from './response-head.ts'
import { type HeadMemory, ResponseParser, type ResponseSink } from './response-parser.ts'

/** Who waits for a response. After `ended` or `broke` nothing more is told. */
export interface FlightReceiver {
  /** The connection stands, and the request is being sent. */
  sent(): void
  headed(head: ResponseHead): void
  /** Bytes of the body, which the receiver may keep. */
  data(bytes: Buffer): void
  ended(): void
  /** @param code the system's, TLS's, or one of ours; without any private data */
  broke(code: string): void
}

/**
 * What is sent: one text in latin1, which is the bytes one by one, and the body apart when it is long.
 * @public
 */
export type WireRequest = { method: string; text: string; body: Buffer | undefined }

/** One request, from the moment that it is asked for until its response has ended. */
export class Flight {
  readonly request: WireRequest
  readonly receiver: FlightReceiver
  connection: UpstreamConnection | undefined
  over = false
  readonly #origin: { forget(flight: Flight): void }

  constructor(
    origin: { forget(flight: Flight): void },
    request: WireRequest,
    receiver: FlightReceiver,
  ) {
    this.#origin = origin
    this.request = request
    this.receiver = receiver
  }

  /** The response is not wanted any more, and its connection cannot be used for another. Nothing more is told. */
  cancel(): void {
    if (this.over) return
    this.over = true
    if (this.connection === undefined) this.#origin.forget(this)
    else this.connection.destroy()
  }
}

export type ConnectionOwner = {
  readonly heads: HeadMemory
  /** of the last TLS connection, so that the next one costs less */
  session: Buffer | undefined
  /** It stands, and can be used for the first time. */
  established(connection: UpstreamConnection): void
  /** It can be used once more. */
  free(connection: UpstreamConnection, keepAliveSeconds: number | undefined): void
  /** It was never made. */
  unreachable(connection: UpstreamConnection, code: string): void
  /** It is gone. */
  gone(connection: UpstreamConnection): void
}

export type ConnectionSettings = {
  host: string
  port: number
  /** undefined for plain TCP */
  tls: { secureContext: SecureContext | undefined } | undefined
  lookup: LookupFunction
  connectTimeoutMs: number
}

// What is read is used before the next read: one buffer does for all connections.
const readBuffer = Buffer.allocUnsafeSlow(65_536)

/**
 * One connection to an upstream, for one request at a time. Anything that comes without having been asked for ends it,
 * so the answer to one request is never taken for that to another.
 */
export class UpstreamConnection implements ResponseSink {
  readonly #owner: ConnectionOwner
  readonly #socket: Socket
  readonly #parser: ResponseParser
  #flight: Flight | undefined
  #established = false
  #dead = false
  #timer: NodeJS.Timeout | undefined
  #code = 'CLOSED'
  /** when it became idle, and for how long it may stay so; monotonic milliseconds */
  idleSinceMs = 0
  idleForMs = 0

  constructor(owner: ConnectionOwner, settings: ConnectionSettings) {
    this.#owner = owner
    this.#parser = new ResponseParser(this, owner.heads)
    this.#socket = this.#connect(settings)
    this.#timer = setTimeout(() => this.#end('CONNECT_TIMEOUT'), settings.connectTimeoutMs)
    this.#socket.on('error', (error: Error & { code?: unknown }) => {
      this.#code = typeof error.code === 'string' ? error.code : error.name
    })
    this.#socket.on('end', () => this.#closed())
    this.#socket.on('close', () => this.#closed())
  }

  get usable(): boolean {
    return !this.#dead && this.#socket.writable
  }

  /** Sends a request; the connection must be free. */
  send(flight: Flight): void {
    const { request } = flight
    this.#flight = flight
    flight.connection = this
    this.#parser.expect(request.method)
    flight.receiver.sent()
    if (flight.over) return
    if (request.body === undefined) {
      this.#socket.write(request.text, 'latin1')
      return
    }
    this.#socket.cork()
    this.#socket.write(request.text, 'latin1')
    this.#socket.write(request.body)
    this.#socket.uncork()
  }

  destroy(): void {
    this.#end('CANCELLED')
  }

  head(head: ResponseHead): void {
    this.#flight?.receiver.headed(head)
  }

  body(bytes: Buffer, start: number, end: number): void {
    const flight = this.#flight
    if (flight === undefined || flight.over) return
    const own = Buffer.allocUnsafe(end - start)
    bytes.copy(own, 0, start, end)
    flight.receiver.data(own)
  }

  #connect({ host, port, tls, lookup }: ConnectionSettings): Socket {
    if (tls === undefined) {
      const onread = {
        buffer: readBuffer,
        callback: (length: number, bytes: Uint8Array) => this.#read(bytes as Buffer, length),
      }
      const socket = connectPlain({ host, port, lookup, noDelay: true, onread })
      return socket.once('connect', () => this.#ready())
    }
    const { session } = this.#owner
    const socket = connectTls({
      host,
      port,
      lookup,
      ALPNProtocols: ['http/1.1'],
      // RFC 6066 section 3 allows no address here; its certificate is compared with the address all the same.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(tls.secureContext === undefined ? {} : { secureContext: tls.secureContext }),
      ...(session === undefined ? {} : { session }),
    })
    socket.setNoDelay(true)
    socket.on('session', (ticket) => {
      this.#owner.session = ticket
    })
    socket.on('data', (bytes: Buffer) => this.#read(bytes, bytes.length))
    return socket.once('secureConnect', () => this.#ready())
  }

  #ready(): void {
    clearTimeout(this.#timer)
    if (this.#dead) return
    this.#established = true
    this.#owner.established(this)
  }

  /** @returns true: go on reading */
  #read(bytes: Buffer, length: number): boolean {
    if (this.#dead) return true
    const fault = this.#parser.feed(bytes, length)
    if (this.#parser.ended !== undefined && this.#flight !== undefined)
      this.#complete(fault === undefined)
    else if (fault !== undefined) this.#end(`BAD_RESPONSE: ${fault}`)
    return true
  }

  #complete(clean: boolean): void {
    const flight = this.#flight
    const keepAliveSeconds = this.#parser.ended?.keepAliveSeconds
    this.#flight = undefined
    // An answer that came before the whole request was sent: the rest of it would be read as another request.
    const reusable = clean && this.#parser.reusable && this.#socket.writableLength === 0
    if (reusable && !this.#dead) this.#owner.free(this, keepAliveSeconds)
    else this.#end('CLOSED')
    if (flight === undefined || flight.over) return
    flight.over = true
    flight.receiver.ended()
  }

  #closed(): void {
    if (this.#dead) return
    const fault = this.#parser.finish()
    if (fault === undefined && this.#flight !== undefined && this.#parser.ended !== undefined)
      this.#complete(false)
    else this.#end(this.#code)
  }

  /** Ends the connection, and what is under way on it. */
  #end(code: string): void {
    if (this.#dead) return
    this.#dead = true
    clearTimeout(this.#timer)
    this.#socket.destroy()
    const flight = this.#flight
    this.#flight = undefined
    if (this.#established) this.#owner.gone(this)
    else this.#owner.unreachable(this, code)
    if (flight === undefined || flight.over) return
    flight.over = true
    flight.receiver.broke(code)
  }
}
