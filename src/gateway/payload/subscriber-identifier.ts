import ipaddr from 'ipaddr.js'
import { isObject } from './field-path.ts'

/**
 * What a request names a subscriber by (CAMARA Commonalities, Device): one spelling for each.
 * @public
 */
export type Identifier =
  | { kind: 'phone'; text: string }
  | { kind: 'address'; text: string }
  /** a kind that must not be used, and nothing else */
  | { kind: 'unsupported' }
  | { kind: 'none' }

const phone = /^\+[1-9][0-9]{4,14}$/
const none: Identifier = { kind: 'none' }
const unsupported: Identifier = { kind: 'unsupported' }

export const isPhoneNumber = (value: unknown): value is string =>
  typeof value === 'string' && phone.test(value)

/**
 * @param value a phone number or a `device`; of several identifiers of a device the first of phone number, IPv4 and IPv6
 *   address counts, and the others are not compared with it
 * @public
 */
export function identifierOf(value: unknown): Identifier {
  if (isPhoneNumber(value)) return { kind: 'phone', text: value }
  if (!isObject(value)) return none
  if (isPhoneNumber(value.phoneNumber)) return { kind: 'phone', text: value.phoneNumber }
  const { ipv4Address, ipv6Address, networkAccessIdentifier } = value
  if (isObject(ipv4Address)) return { kind: 'address', text: `ipv4:${ipv4Text(ipv4Address)}` }
  if (typeof ipv6Address === 'string')
    return { kind: 'address', text: `ipv6:${ipv6Text(ipv6Address)}` }
  return networkAccessIdentifier === undefined ? none : unsupported
}

const ipv4Text = ({
  publicAddress,
  privateAddress,
  publicPort,
}: Readonly<Record<string, unknown>>): string =>
  `${String(publicAddress)}/${String(privateAddress ?? '')}:${String(publicPort ?? '')}`

/** `2001:DB8:0::1` and `2001:db8::1` are one address (RFC 5952). */
export function ipv6Text(text: string): string {
  const [address = '', length] = text.split('/', 2)
  if (!ipaddr.IPv6.isValid(address)) return text.toLowerCase()
  const plain = ipaddr.IPv6.parse(address).toRFC5952String()
  return length === undefined ? plain : `${plain}/${length}`
}

/**
 * Of a `device` in an answer, the identifiers that the caller sent itself; undefined when none is left.
 * @param sent the `device` of the request
 * @public
 */
export function ownIdentifiers(
  shown: Readonly<Record<string, unknown>>,
  sent: Readonly<Record<string, unknown>>,
): Record<string, unknown> | undefined {
  const own: Record<string, unknown> = {}
  if (sent.phoneNumber !== undefined && shown.phoneNumber === sent.phoneNumber)
    own.phoneNumber = shown.phoneNumber
  if (typeof shown.ipv6Address === 'string' && typeof sent.ipv6Address === 'string') {
    if (ipv6Text(shown.ipv6Address) === ipv6Text(sent.ipv6Address))
      own.ipv6Address = shown.ipv6Address
  }
  if (isObject(shown.ipv4Address) && isObject(sent.ipv4Address)) {
    const { ipv4Address } = sent
    const same = Object.entries(shown.ipv4Address).filter(
      ([name, value]) => Object.hasOwn(ipv4Address, name) && ipv4Address[name] === value,
    )
    if (same.some(([name]) => name === 'publicAddress')) own.ipv4Address = Object.fromEntries(same)
  }
  return Object.keys(own).length === 0 ? undefined : own
}
