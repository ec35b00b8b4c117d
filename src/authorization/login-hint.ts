import ipaddr from 'ipaddr.js'
import {
  type ClientAddress,
  isPhoneNumber,
  type SubscriberLookup,
} from './network-authentication.ts'

/** Whom a request of a client is about, in the forms of the CAMARA security profile. */
export type LoginHint =
  | { kind: 'tel'; phoneNumber: string }
  | ({ kind: 'ipport' } & ClientAddress)
  | { kind: 'operatortoken'; token: string }

/**
 * Reads `tel:+34666666666` (RFC 3966, global, without separators or parameters), `ipport:80.90.34.2:16790`,
 * `ipport:[2001:db8::1]:8080`, both also without a port, or `operatortoken:…`.
 * @returns what is wrong with it, as a sentence without the value: it is personal data
 */
export function readLoginHint(text: string): LoginHint | { fault: string } {
  const at = text.indexOf(':')
  const scheme = text.slice(0, Math.max(at, 0))
  const value = text.slice(at + 1)
  if (scheme === 'tel')
    return isPhoneNumber(value)
      ? { kind: 'tel', phoneNumber: value }
      : { fault: 'tel: needs a number in E.164 form without separators, tel:+34666666666' }
  if (scheme === 'ipport')
    return (
      readAddress(value) ?? {
        fault:
          'ipport: needs an address and a port, ipport:80.90.34.2:16790 or ipport:[2001:db8::1]:8080',
      }
    )
  if (scheme === 'operatortoken')
    return /^[\x21-\x7e]{1,4096}$/.test(value)
      ? { kind: 'operatortoken', token: value }
      : { fault: 'operatortoken: needs a token of TS.43, as it was got' }
  return { fault: 'it must begin with tel:, ipport: or operatortoken:' }
}

function readAddress(value: string): LoginHint | undefined {
  const [, six, four, digits] =
    /^(?:\[([^\]]+)\]|([^:]+))(?::([1-9][0-9]{0,4}))?$/.exec(value) ?? []
  const port = digits === undefined ? undefined : Number(digits)
  if (port !== undefined && port > 65_535) return undefined
  if (four !== undefined)
    return ipaddr.IPv4.isValidFourPartDecimal(four)
      ? { kind: 'ipport', address: four, port }
      : undefined
  if (six === undefined || six.includes('%') || !ipaddr.IPv6.isValid(six)) return undefined
  return { kind: 'ipport', address: ipaddr.IPv6.parse(six).toString(), port }
}

/**
 * The number that a hint is about. A number is taken by its leading digits alone: whether somebody has it, nobody is told
 * here. @returns undefined when it is nobody of this operator
 */
export async function numberOfHint(
  hint: LoginHint,
  lookup: SubscriberLookup,
): Promise<string | undefined> {
  switch (hint.kind) {
    case 'tel':
      return lookup.mayServe(hint.phoneNumber) ? hint.phoneNumber : undefined
    case 'ipport':
      return await lookup.byAddress({ address: hint.address, port: hint.port })
    case 'operatortoken':
      return await lookup.byOperatorToken(hint.token)
    default:
      return hint satisfies never
  }
}
