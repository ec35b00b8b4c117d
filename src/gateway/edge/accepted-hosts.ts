import { isIP } from 'node:net'

/**
 * What a gateway may be called: the names that its operator gave it, and whether it may also be called by its addresses.
 * @public
 */
export type HostNames = {
  /** without ports; an IPv6 address has its brackets */
  names: readonly string[]
  /** whether a connection may name the address that it came to: where no public name is set there is no other */
  ownAddresses: boolean
}

const mostKept = 256

/**
 * Holds requests to the hosts of this gateway (RFC 9110 section 7.4): a page that was led here by a name of its own, and
 * whatever keeps answers under a name, get none under a name that is not ours. Ports are not compared: what publishes a
 * gateway may have put it on another one. Over the loopback, every name of the loopback is right.
 * @public
 */
export class AcceptedHosts {
  #names: ReadonlySet<string>
  #ownAddresses: boolean
  /** as they came, so that the usual request costs one look */
  #kept = new Set<string>()
  /** the same for hosts that are right at one address only: which one it was last */
  #keptAt = new Map<string, string>()

  constructor({ names, ownAddresses }: HostNames) {
    this.#names = new Set(names.map(plainName))
    this.#ownAddresses = ownAddresses
  }

  /** @param host a well-formed host with or without its port */
  accepts(host: string, { localAddress }: { localAddress?: string | undefined }): boolean {
    if (this.#kept.has(host)) return true
    if (localAddress !== undefined && this.#keptAt.get(host) === localAddress) return true
    const name = plainName(host.replace(/:\d+$/, ''))
    if (this.#names.has(name)) {
      if (this.#kept.size < mostKept) this.#kept.add(host)
      return true
    }
    if (localAddress === undefined || !this.#isOf(name, localAddress)) return false
    if (this.#keptAt.size >= mostKept) this.#keptAt.clear()
    this.#keptAt.set(host, localAddress)
    return true
  }

  #isOf(name: string, localAddress: string): boolean {
    const reached = addressOf(localAddress)
    const asked = addressOf(name)
    if (isLoopback(reached) && (name === 'localhost' || isLoopback(asked))) return true
    return this.#ownAddresses && asked !== '' && asked === reached
  }
}

/** In lower case, without the dot of the root. */
const plainName = (name: string): string => name.toLowerCase().replace(/\.$/, '')

/** An address in its one spelling; empty for a name. */
function addressOf(name: string): string {
  const [inner = ''] = name.replace(/^\[(.*)\]$/, '$1').split('%', 1)
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(inner)?.[1] ?? inner
  if (isIP(mapped) !== 6) return isIP(mapped) === 4 ? mapped : ''
  return URL.parse(`http://[${mapped}]`)?.hostname ?? ''
}

const isLoopback = (address: string): boolean =>
  address === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(address)
