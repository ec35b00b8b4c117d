import ipaddr from 'ipaddr.js'
import { isSandboxNumber } from './handset-session.ts'
import type { SubscriberLookup } from './network-authentication.ts'

/**
 * The network of the sandbox, by the same rule as its simulated operator: `203.0.113.7` and `2001:db8::7` are the device
 * of `+99010000007`, with any port. The temporary token of a number is the number: `operatortoken:+99010000007`.
 */
export const sandboxLookup: SubscriberLookup = {
  byAddress: async ({ address }) => numberAt(address),
  byOperatorToken: async (token) => (isSandboxNumber(token) ? token : undefined),
  mayServe: isSandboxNumber,
}

function numberAt(text: string): string | undefined {
  if (!ipaddr.isValid(text)) return undefined
  const address = ipaddr.process(text)
  if (address instanceof ipaddr.IPv4) {
    const { octets } = address
    return octets.slice(0, 3).join('.') === '203.0.113' ? numbered(String(octets[3])) : undefined
  }
  const { parts } = address
  if (parts[0] !== 0x2001 || parts[1] !== 0xdb8) return undefined
  const last = parts[7] ?? 0
  const digits = last.toString(16)
  return numbered(/^[0-9]+$/.test(digits) ? digits : String(last).padStart(5, '1'))
}

const numbered = (digits: string): string => `+9901000${digits.padStart(4, '0')}`
