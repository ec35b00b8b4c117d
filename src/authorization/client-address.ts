import type { IncomingMessage } from 'node:http'
import { type ForwardedElement, readForwarded } from '#platform/forwarded-field'
import type { ClientAddress } from './network-authentication.ts'
import { parsedAddress } from './network-list.ts'

type Seen = Pick<IncomingMessage, 'headers' | 'socket'>

/**
 * Where a browser's packets come from, with the port: behind an operator's address translation many subscribers share one
 * address, and the port tells them apart. Trusted proxies say it in Forwarded (RFC 7239); X-Forwarded-For has no port, so
 * it is not enough, and where it contradicts Forwarded neither counts.
 * @param trusts whether an address is a trusted proxy's
 * @returns undefined when the proxies do not tell
 */
export function clientAddressOf(
  { headers, socket }: Seen,
  trusts: (address: string) => boolean,
): ClientAddress | undefined {
  const peer = parsedAddress(socket.remoteAddress ?? '')?.toString()
  if (peer === undefined) return undefined
  if (!trusts(peer)) return { address: peer, port: socket.remotePort }
  const field = joined(headers.forwarded)
  const hops = field === undefined ? undefined : readForwarded(field)
  if (hops === undefined) return undefined
  const nodes = hops.map(nodeOf)
  if (contradicted(nodes, joined(headers['x-forwarded-for']))) return undefined
  for (const node of nodes.toReversed()) {
    if (node === undefined) return undefined
    if (!trusts(node.address)) return node
  }
  return undefined
}

const joined = (value: string | string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : value?.join(', ')

/** `192.0.2.4:80`, `[2001:db8::1]:80`; an obfuscated node or port hides the client (section 6.3). */
function nodeOf({ for: node = '' }: ForwardedElement): ClientAddress | undefined {
  const [, six, four, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::([0-9]{1,5}))?$/.exec(node) ?? []
  const address = parsedAddress(six ?? four ?? '')?.toString()
  const port = digits === undefined ? undefined : Number(digits)
  return address === undefined || (port !== undefined && port > 65_535)
    ? undefined
    : { address, port }
}

function contradicted(
  nodes: readonly (ClientAddress | undefined)[],
  listed: string | undefined,
): boolean {
  if (listed === undefined) return false
  const others = listed.split(',').map((item) => parsedAddress(item.trim())?.toString())
  return (
    others.length !== nodes.length || others.some((address, i) => address !== nodes[i]?.address)
  )
}
