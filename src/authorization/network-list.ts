import ipaddr from 'ipaddr.js'

/** Whether an address is in one of these networks; IPv4 written in IPv6 is IPv4. */
export function networkList(networks: readonly string[]): (address: string) => boolean {
  const ranges = networks.map(rangeOf)
  return (address) => {
    const parsed = parsedAddress(address)
    return (
      parsed !== undefined &&
      ranges.some(([range, bits]) => range.kind() === parsed.kind() && parsed.match(range, bits))
    )
  }
}

function rangeOf(network: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  const [range, bits] = ipaddr.parseCIDR(network)
  if (range instanceof ipaddr.IPv6 && range.isIPv4MappedAddress() && bits >= 96)
    return [range.toIPv4Address(), bits - 96]
  return [range, bits]
}

/** @returns undefined for what is no address; without a zone, and IPv4 where it is IPv4 in IPv6 */
export function parsedAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const [plain = ''] = text.split('%', 1)
  const four = ipaddr.IPv4.isValidFourPartDecimal(plain)
  return four || ipaddr.IPv6.isValid(plain) ? ipaddr.process(plain) : undefined
}
