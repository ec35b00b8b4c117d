import type { LookupFunction } from 'node:net'
import type { SecureContext } from 'node:tls'
import { type UpstreamRequest, writeRequest } from './request-text.ts'
import { HeadMemory } from './response-parser.ts'
import {
  type ConnectionOwner,
  type ConnectionSettings,
  Flight,
  type FlightReceiver,
  UpstreamConnection,
} from './upstream-connection.ts'

const connectTimeoutMs = 1_000
/** Shorter than what servers keep: a request must not meet a connection that is being closed. */
const longestIdleMs = 4_000
const keepAliveMarginMs = 1_000
const sweepEveryMs = 1_000

export type OriginOptions = {
  connections: number
  /** what https certificates are verified with; undefined: what the platform trusts */
  secureContext: SecureContext | undefined
  /** finds the addresses of a host */
  lookup: LookupFunction
  monotonicMs: () => number
}

/**
 * The connections to one origin: this and `UpstreamCall` are all that knows how requests are sent. Which origin, whether
 * and when is decided above.
 *
 * It exists instead of a general client because it is most of what a call costs: one write for a request, one read for a
 * response, and nothing else between (docs/decisions/0019).
 */
export class Origin implements ConnectionOwner {
  readonly heads = new HeadMemory()
  session: Buffer | undefined
  readonly #host: string
  readonly #settings: ConnectionSettings
  readonly #most: number
  readonly #monotonicMs: () => number
  readonly #connections = new Set<UpstreamConnection>()
  /** the last one used is the first one taken */
  readonly #idle: UpstreamConnection[] = []
  #waiting: Flight[] = []
  #connecting = 0
  #sweeper: NodeJS.Timeout | undefined
  #closed = false

  constructor(origin: string, options: OriginOptions) {
    const url = new URL(origin)
    const secure = url.protocol === 'https:'
    const hostname = url.hostname.replace(/^\[|\]$/g, '')
    this.#host = url.host
    this.#most = options.connections
    this.#monotonicMs = options.monotonicMs
    this.#settings = {
      host: hostname,
      port: Number(url.port || (secure ? 443 : 80)),
      tls: secure ? { secureContext: options.secureContext } : undefined,
      lookup: options.lookup,
      connectTimeoutMs,
    }
  }

  /**
   * Sends a request on a free connection, or on the next one that is.
   * @throws when it cannot be sent at all
   */
  send(request: UpstreamRequest, receiver: FlightReceiver): Flight {
    const flight = new Flight(this, writeRequest(this.#host, request), receiver)
    const connection = this.#closed ? undefined : this.#takeIdle()
    if (connection !== undefined) connection.send(flight)
    else {
      this.#waiting.push(flight)
      if (this.#closed) queueMicrotask(() => this.#failFirst('CLOSED'))
      else this.#connectForWaiting()
    }
    return flight
  }

  forget(flight: Flight): void {
    this.#waiting = this.#waiting.filter((other) => other !== flight)
  }

  free(connection: UpstreamConnection, keepAliveSeconds: number | undefined): void {
    const next = this.#waiting.shift()
    if (next !== undefined) {
      connection.send(next)
      return
    }
    const offered = (keepAliveSeconds ?? Number.POSITIVE_INFINITY) * 1_000 - keepAliveMarginMs
    connection.idleForMs = Math.min(longestIdleMs, offered)
    connection.idleSinceMs = this.#monotonicMs()
    this.#idle.push(connection)
    this.#sweeper ??= setTimeout(() => this.#sweep(), sweepEveryMs).unref()
  }

  established(connection: UpstreamConnection): void {
    this.#connecting -= 1
    this.free(connection, undefined)
  }

  unreachable(connection: UpstreamConnection, code: string): void {
    this.#connecting -= 1
    this.#connections.delete(connection)
    // One call hears of one failed attempt; the others wait for attempts of their own.
    this.#failFirst(code)
    this.#connectForWaiting()
  }

  gone(connection: UpstreamConnection): void {
    this.#connections.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#connectForWaiting()
  }

  /** Ends every connection, and what is under way on them. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#sweeper)
    while (this.#waiting.length > 0) this.#failFirst('CLOSED')
    for (const connection of [...this.#connections]) connection.destroy()
  }

  #takeIdle(): UpstreamConnection | undefined {
    let connection = this.#idle.pop()
    while (connection !== undefined) {
      const idleMs = this.#monotonicMs() - connection.idleSinceMs
      if (connection.usable && idleMs < connection.idleForMs) return connection
      connection.destroy()
      connection = this.#idle.pop()
    }
    return undefined
  }

  #connectForWaiting(): void {
    if (this.#closed || this.#waiting.length <= this.#connecting) return
    if (this.#connections.size >= this.#most) return
    this.#connecting += 1
    this.#connections.add(new UpstreamConnection(this, this.#settings))
  }

  #failFirst(code: string): void {
    const flight = this.#waiting.shift()
    if (flight === undefined) return
    flight.over = true
    flight.receiver.broke(code)
  }

  #sweep(): void {
    this.#sweeper = undefined
    const nowMs = this.#monotonicMs()
    for (const connection of [...this.#idle])
      if (nowMs - connection.idleSinceMs >= connection.idleForMs) connection.destroy()
    if (this.#idle.length > 0) this.#sweeper = setTimeout(() => this.#sweep(), sweepEveryMs).unref()
  }
}
