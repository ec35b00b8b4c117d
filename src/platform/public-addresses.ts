import { BlockList, isIP } from 'node:net'

/** IANA IPv4 Special-Purpose Address Registry, multicast and what is reserved: nothing there is a partner's server. */
const special4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
]

/**
 * Of IPv6 only global unicast is routed to others. Within it: protocol assignments with Teredo (2001::/23),
 * documentation, 6to4, AS112. Outside of it are loopback, IPv4-mapped, NAT64 (64:ff9b::/96 and 64:ff9b:1::/48), unique
 * and link-local addresses, multicast and segment routing.
 */
const global6 = '2000::/3'
const special6 = ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20']

/** An address within ISATAP has an IPv4 address inside (RFC 5214, section 6.1). */
const isatap = /:(?:0{0,4}|0?200):5efe:[^:]+(?::[^:]+)?$/i

const listOf = (networks: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

const specials = listOf([...special4, ...special6])
const globals = listOf([global6])
const mapped = listOf(['::ffff:0:0/96'])

/**
 * Tells addresses of the public network from all others.
 * @public
 */
export type AddressFilter = {
  /** in the public network */
  isPublic(address: string): boolean
  /** in a network that the operator named */
  isNamed(address: string): boolean
}

/**
 * @param networks that the operator named besides, as `10.20.0.0/16`
 * @public
 */
export function createAddressFilter(networks: readonly string[]): AddressFilter {
  const named = listOf(networks)
  return {
    isPublic(address) {
      switch (isIP(address)) {
        case 4:
          return !specials.check(address, 'ipv4')
        case 6:
          return (
            globals.check(address, 'ipv6') &&
            !specials.check(address, 'ipv6') &&
            !isatap.test(address)
          )
        default:
          return false
      }
    },
    isNamed(address) {
      const family = isIP(address)
      if (family === 0) return false
      // One address in another spelling is not what the operator named.
      if (family === 6 && mapped.check(address, 'ipv6')) return false
      return named.check(address, family === 6 ? 'ipv6' : 'ipv4')
    },
  }
}
