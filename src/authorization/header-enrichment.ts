import type { IncomingMessage } from 'node:http'
import { isPhoneNumber } from './network-authentication.ts'
import { networkList } from './network-list.ts'

type Options = { header: string; networks: readonly string[] }

/**
 * Header enrichment: a gateway of the mobile network writes the subscriber's number into a field of requests that pass it.
 * Only connections that come from such a gateway itself are believed; from all others the field is what a stranger wrote.
 * @returns the number, or undefined when there is none to believe
 */
export function enrichedNumber(
  { header, networks }: Options,
  writes = networkList(networks),
): (request: Pick<IncomingMessage, 'rawHeaders' | 'socket'>) => string | undefined {
  return ({ rawHeaders, socket }) => {
    if (!writes(socket.remoteAddress ?? '')) return undefined
    const values: string[] = []
    for (let i = 0; i < rawHeaders.length; i += 2)
      if (rawHeaders[i]?.toLowerCase() === header) values.push(rawHeaders[i + 1] ?? '')
    // Two of them: one was there before the gateway wrote its own.
    const [value, ...others] = values
    if (value === undefined || others.length > 0) return undefined
    const number = value.trim().startsWith('+') ? value.trim() : `+${value.trim()}`
    return isPhoneNumber(number) ? number : undefined
  }
}
