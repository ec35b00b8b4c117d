import type { IncomingMessage } from 'node:http'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { clientAddressOf } from './client-address.ts'
import { handsetCookie, openHandsetSession } from './handset-session.ts'
import { enrichedNumber } from './header-enrichment.ts'
import type { NetworkAuthentication, SubscriberLookup } from './network-authentication.ts'
import { networkList } from './network-list.ts'
import { LookupFailure, operatorLookup } from './operator-lookup.ts'
import { sandboxLookup } from './sandbox-lookup.ts'

type Parts = Pick<Platform, 'config' | 'sealing' | 'clock' | 'log'>

export type Network = NetworkAuthentication & { lookup: SubscriberLookup; close(): Promise<void> }

/** The network of an environment: the operator's in production, the virtual handset's in the sandbox. */
export const createNetwork = (parts: Parts, environment: Environment): Network =>
  environment === 'sandbox' ? sandboxNetwork(parts) : operatorNetwork(parts)

function sandboxNetwork({ sealing, clock }: Parts): Network {
  return {
    async identify({ headers }) {
      const session = openHandsetSession(
        sealing,
        cookieOf(headers.cookie, handsetCookie),
        clock.now(),
      )
      return session && { phoneNumber: session.phoneNumber, method: 'virtual-handset' }
    },
    lookup: sandboxLookup,
    close: async () => undefined,
  }
}

function operatorNetwork({ config, log }: Parts): Network {
  const { enrichment, lookup: settings, numbers } = config.network
  const enriched = enrichment && enrichedNumber(enrichment)
  const asked = settings && operatorLookup(settings)
  const trusts = networkList(config.trustedProxies)
  const mayServe = (phoneNumber: string): boolean =>
    !phoneNumber.startsWith('+990') &&
    (numbers.length === 0 || numbers.some((prefix) => phoneNumber.startsWith(prefix)))
  const checked = (phoneNumber: string | undefined): string | undefined =>
    phoneNumber !== undefined && mayServe(phoneNumber) ? phoneNumber : undefined
  const byAddress = async (request: IncomingMessage): Promise<string | undefined> => {
    const client = asked && clientAddressOf(request, trusts)
    if (client === undefined) return undefined
    try {
      return await asked?.byAddress(client)
    } catch (error) {
      if (!(error instanceof LookupFailure)) throw error
      log.warn({ reason: error.message }, 'the operator’s number lookup failed')
      return undefined
    }
  }
  return {
    async identify(request) {
      const written = checked(enriched?.(request))
      if (written !== undefined) return { phoneNumber: written, method: 'header-enrichment' }
      const found = checked(await byAddress(request))
      return found === undefined ? undefined : { phoneNumber: found, method: 'address-lookup' }
    },
    lookup: {
      byAddress: async (client) => checked(await asked?.byAddress(client)),
      byOperatorToken: async (token) => checked(await asked?.byOperatorToken(token)),
      mayServe,
    },
    close: async () => await asked?.close(),
  }
}

/** The value of a cookie; undefined when it is there twice, because one of them may be somebody else's. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
  const [only, ...others] = values
  return only === undefined || others.length > 0 ? undefined : only.slice(name.length + 1)
}
