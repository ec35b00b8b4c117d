import type { IncomingHttpHeaders } from 'node:http'
import { BlockList, isIP, type Socket } from 'node:net'
import { readForwarded } from './forwarded-field.ts'

/**
 * What is looked at of a request.
 * @public
 */
export type Received = { readonly headers: IncomingHttpHeaders; readonly socket: Socket }

/**
 * Which peers speak for clients behind them, and what they say of those. Everybody's fields are read only when the
 * connection itself comes from one of the networks that the operator named.
 * @public
 */
export class TrustedProxies {
  readonly none: boolean
  #networks = new BlockList()
  #known = new WeakMap<Socket, boolean>()

  /** @param networks in CIDR notation */
  constructor(networks: readonly string[]) {
    this.none = networks.length === 0
    for (const network of networks) {
      const [written = '', bits = ''] = network.split('/')
      // Addresses are compared as IPv4 where they are IPv4 in IPv6.
      const mapped = Number(bits) >= 96 && isIP(plainAddress(written)) !== isIP(written)
      const address = mapped ? plainAddress(written) : written
      const length = mapped ? Number(bits) - 96 : Number(bits)
      this.#networks.addSubnet(address, length, isIP(address) === 6 ? 'ipv6' : 'ipv4')
    }
  }

  /** Whether the connection comes from one. */
  trusts({ socket }: Pick<Received, 'socket'>): boolean {
    if (this.none) return false
    let trusted = this.#known.get(socket)
    if (trusted === undefined) {
      trusted = this.#contains(plainAddress(socket.remoteAddress ?? ''))
      this.#known.set(socket, trusted)
    }
    return trusted
  }

  /**
   * The address of the client: of the connection, or, behind trusted proxies, the right-most one that is not a proxy
   * itself. What a client wrote further to the left is never looked at. When the proxies' fields contradict each other or
   * hide the client, it is the last address that is certain.
   */
  clientAddress(request: Received): string {
    let certain = plainAddress(request.socket.remoteAddress ?? '')
    if (!this.trusts(request)) return certain
    const hops = hopsOf(request)
    for (let i = hops.length - 1; i >= 0; i -= 1) {
      const address = hops[i]
      if (address === undefined) return certain
      certain = address
      if (!this.#contains(address)) return certain
    }
    return certain
  }

  /**
   * What the nearest trusted proxy says of how it was reached; undefined when it says nothing, or several things.
   */
  reachedAs(request: Received): { scheme?: string; host?: string } | undefined {
    if (!this.trusts(request)) return undefined
    const { headers } = request
    const forwarded = fieldOf(headers.forwarded)
    const last = forwarded === undefined ? {} : readForwarded(forwarded)?.at(-1)
    if (last === undefined) return undefined
    const scheme = oneOf(lastItem(fieldOf(headers['x-forwarded-proto'])), last.proto)
    const host = oneOf(lastItem(fieldOf(headers['x-forwarded-host'])), last.host)
    if (scheme === null || host === null) return undefined
    return {
      ...(scheme === undefined ? {} : { scheme: scheme.toLowerCase() }),
      ...(host === undefined ? {} : { host: host.toLowerCase() }),
    }
  }

  #contains(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#networks.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

const fieldOf = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.join(', ')

const lastItem = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : value.slice(value.lastIndexOf(',') + 1).trim()

/** One value from two fields; null when they differ. */
const oneOf = (a: string | undefined, b: string | undefined): string | undefined | null =>
  a !== undefined && b !== undefined && a.toLowerCase() !== b.toLowerCase() ? null : (a ?? b)

/** The addresses that the fields name, left to right; undefined for a hop that hides. */
function hopsOf({ headers }: Received): readonly (string | undefined)[] {
  const forwarded = fieldOf(headers.forwarded)
  const listed = fieldOf(headers['x-forwarded-for'])
  const a =
    forwarded === undefined
      ? undefined
      : (readForwarded(forwarded) ?? [{}]).map((hop) => nodeAddress(hop.for ?? ''))
  const b = listed?.split(',').map((node) => nodeAddress(node.trim()))
  if (a === undefined || b === undefined) return a ?? b ?? []
  // A proxy writes one of the two and lets the other pass: where they differ, a client may have written it.
  return a.length === b.length && a.every((address, i) => address === b[i]) ? a : []
}

/** The address of a node with or without a port: `192.0.2.4:80`, `[2001:db8::1]:80`, `2001:db8::1`. */
function nodeAddress(node: string): string | undefined {
  const inner =
    /^\[([^\]]*)\](?::\d{1,5})?$/.exec(node)?.[1] ?? /^([\d.]+):\d{1,5}$/.exec(node)?.[1]
  const address = plainAddress(inner ?? node)
  return isIP(address) === 0 ? undefined : address
}

/** Without a zone, and IPv4 where it is IPv4 in IPv6. */
function plainAddress(address: string): string {
  const [plain = ''] = address.split('%', 1)
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain)?.[1] ?? plain
}
