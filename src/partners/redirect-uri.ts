import { isIP } from 'node:net'
import type { Environment } from '#platform/config'

/** What an answer of the authorization server adds (RFC 6749, RFC 9207, JARM): an address must not have it already. */
const answerParameters = [
  'code',
  'state',
  'error',
  'error_description',
  'error_uri',
  'iss',
  'response',
]
const loopback = /^(localhost|127\.0\.0\.1|\[::1\])$/

/**
 * An address that answers of the authorization server may go to. It is compared character by character, so it must stand
 * as a browser would send it; only a host name is brought to its one form (IDN, small letters).
 * @returns the address as it is kept, or what is wrong with it
 */
export function acceptRedirectUri(
  text: string,
  environment: Environment,
): { uri: string } | { fault: string } {
  if (!/^[\x21-\x7e\u00a1-\u{10ffff}]+$/u.test(text) || text.includes('\\'))
    return { fault: 'has a space, a backslash or a control character' }
  if (text.includes('#')) return { fault: 'must have no fragment: take away # and what follows' }
  if (text.includes('*'))
    return { fault: 'must be one exact address: a wildcard would let answers go to others' }
  const url = URL.parse(text)
  if (url === null || url.hostname === '')
    return { fault: 'must be a whole address such as https://app.example/callback' }
  const written = /^([a-z]+):\/\/([^/?]*)(.*)$/.exec(text)
  if (written === null) return { fault: `must be written as a browser sends it: ${url.href}` }
  const [, , authority = '', rest = ''] = written
  if (url.username !== '' || url.password !== '' || authority.includes('@'))
    return { fault: 'must have no user name or password' }
  const unsafe = schemeFault(url, environment)
  if (unsafe !== undefined) return { fault: unsafe }
  if (authority.includes('%') || authority.endsWith(':') || url.hostname.endsWith('.'))
    return { fault: 'must have a plain host name' }
  if (isIP(url.hostname) === 4 && !authority.startsWith(url.hostname))
    return { fault: `must be written as a browser sends it: ${url.href}` }
  if (rest !== '' && `${url.pathname}${url.search}` !== rest)
    return { fault: `must be written as a browser sends it: ${url.href}` }
  if ((/:(\d*)$/.exec(authority)?.[1] ?? '') !== url.port)
    return { fault: `must be written as a browser sends it: ${url.href}` }
  const taken = answerParameters.find((name) => url.searchParams.has(name))
  if (taken !== undefined) return { fault: `has the parameter ${taken}, which the answer adds` }
  return { uri: `${url.origin}${rest}` }
}

/** RFC 8252, section 7.3: a program on a device listens on a loopback address, where nobody is between. */
function schemeFault({ protocol, hostname }: URL, environment: Environment): string | undefined {
  if (protocol === 'https:') return undefined
  if (protocol !== 'http:')
    return 'must be https; an app on a phone uses an https address that it has claimed'
  if (!loopback.test(hostname))
    return 'must be https: http is only for a program on the same machine (http://127.0.0.1/…)'
  if (environment === 'production' && hostname === 'localhost')
    return 'must name the address and not localhost in production: http://127.0.0.1/… or http://[::1]/…'
  return undefined
}
