import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'
import { findSubscriber } from './find-subscriber.ts'
import { type Answer, invalid, refusal } from './outcome.ts'
import { asObject, badPhoneNumber, type Fields, fieldOf, isPhoneNumber } from './request-fields.ts'
import type { Subscriber } from './subscriber.ts'

/** Who a call is about, and the one identifier that said so. */
export type Identified = { subscriber: Subscriber; identifier: Fields }

const outside = 'The sandbox knows only numbers that begin with +990, such as +99010000001.'
const outsideAddress = 'The sandbox knows only devices at 203.0.113.0/24 and 2001:db8::/32.'

/** @returns the refusal when the number is not one of the sandbox; `code` is what the API documents for it */
export function identifyByNumber(
  phoneNumber: string,
  code: 'IDENTIFIER_NOT_FOUND' | 'NOT_FOUND',
): Identified | { refused: Answer } {
  const subscriber = findSubscriber(phoneNumber)
  return subscriber === undefined
    ? { refused: refusal(404, code, outside) }
    : { subscriber, identifier: { phoneNumber } }
}

/**
 * A CAMARA `device`: of several identifiers one is used, the others are only checked for their form.
 */
export function identifyDevice(device: unknown): Identified | { refused: Answer } {
  const given = asObject(device)
  if (given === undefined || Object.keys(given).length === 0) {
    return { refused: invalid('/device', 'must be an object with at least one identifier') }
  }
  const fault = faultOf(given)
  if (fault !== undefined) return { refused: fault }
  const phoneNumber = fieldOf(given, 'phoneNumber')
  if (typeof phoneNumber === 'string') return identifyByNumber(phoneNumber, 'IDENTIFIER_NOT_FOUND')
  const ipv4 = asObject(fieldOf(given, 'ipv4Address'))
  if (ipv4 !== undefined) return identifyByIpv4(ipv4)
  const ipv6 = fieldOf(given, 'ipv6Address')
  if (typeof ipv6 === 'string') return identifyByAddress(numberOfIpv6(ipv6), { ipv6Address: ipv6 })
  return {
    refused: refusal(
      422,
      'UNSUPPORTED_IDENTIFIER',
      'Use phoneNumber, ipv4Address or ipv6Address: other identifiers are not supported.',
    ),
  }
}

function faultOf(device: Fields): Answer | undefined {
  const has = (name: string): boolean => fieldOf(device, name) !== undefined
  if (has('phoneNumber') && !isPhoneNumber(fieldOf(device, 'phoneNumber'))) {
    return badPhoneNumber('/device/phoneNumber')
  }
  if (has('ipv4Address')) {
    const fault = faultOfIpv4(asObject(fieldOf(device, 'ipv4Address')))
    if (fault !== undefined) return invalid('/device/ipv4Address', fault)
  }
  const ipv6 = fieldOf(device, 'ipv6Address')
  if (has('ipv6Address') && !(typeof ipv6 === 'string' && isIPv6(ipv6))) {
    return invalid('/device/ipv6Address', 'must be an IPv6 address')
  }
  if (
    has('networkAccessIdentifier') &&
    typeof fieldOf(device, 'networkAccessIdentifier') !== 'string'
  ) {
    return invalid('/device/networkAccessIdentifier', 'must be a string')
  }
  return undefined
}

function faultOfIpv4(address: Fields | undefined): string | undefined {
  if (address === undefined) return 'must be an object'
  const isAddress = (value: unknown): boolean => typeof value === 'string' && isIPv4(value)
  const privateAddress = fieldOf(address, 'privateAddress')
  const port = fieldOf(address, 'publicPort')
  if (!isAddress(fieldOf(address, 'publicAddress'))) return 'publicAddress must be an IPv4 address'
  if (privateAddress === undefined && port === undefined) {
    return 'privateAddress or publicPort is required beside publicAddress'
  }
  if (privateAddress !== undefined && !isAddress(privateAddress)) {
    return 'privateAddress must be an IPv4 address'
  }
  const isPort = typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535
  return port === undefined || isPort ? undefined : 'publicPort must be an integer from 0 to 65535'
}

function identifyByIpv4(address: Fields): Identified | { refused: Answer } {
  const octets = String(address.publicAddress).split('.')
  const known = octets.slice(0, 3).join('.') === '203.0.113' ? octets[3] : undefined
  const sent = ['publicAddress', 'privateAddress', 'publicPort'].flatMap((name) => {
    const value = fieldOf(address, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  return identifyByAddress(known, { ipv4Address: Object.fromEntries(sent) })
}

/** The last group of an address of 2001:db8::/32, read as decimal digits where it can be. */
function numberOfIpv6(text: string): string | undefined {
  if (!ipaddr.IPv6.isValid(text)) return undefined
  const { parts } = ipaddr.IPv6.parse(text)
  if (parts[0] !== 0x2001 || parts[1] !== 0xdb8) return undefined
  const last = parts[7] ?? 0
  const digits = last.toString(16)
  return /^[0-9]+$/.test(digits) ? digits : String(last).padStart(5, '1')
}

/** `203.0.113.7` and `2001:db8::7` are devices of `+99010000007`. */
function identifyByAddress(
  digits: string | undefined,
  identifier: Fields,
): Identified | { refused: Answer } {
  const subscriber =
    digits === undefined ? undefined : findSubscriber(`+9901000${digits.padStart(4, '0')}`)
  return subscriber === undefined
    ? { refused: refusal(404, 'IDENTIFIER_NOT_FOUND', outsideAddress) }
    : { subscriber, identifier }
}
