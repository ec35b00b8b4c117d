import { createConsentDirectory } from '#consent'
import { createAttempts } from '#platform/attempts'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import type { EndpointPart } from './grants/grant-part.ts'
import type { NetworkIdentity } from './network-authentication.ts'
import { createSubscriberPages } from './pages/subscriber-pages.ts'
import type { SubscriberParts } from './server-options.ts'

/** What the world around the servers would answer; a test changes it as it goes. */
export type TestWorld = {
  /** by scope; `sim-swap:check` needs none */
  bases: Map<string, 'contract' | 'legitimate-interest' | 'consent' | 'not-allowed'>
  /** who is at the other end of a browser's connection */
  identity: NetworkIdentity | undefined
  sent: { phoneNumber: string; text: string }[]
}

/** Real consents and real pages; the network and the operator's systems are the test's. */
export function testSubscribers(platform: Platform): {
  world: TestWorld
  subscribers: Record<Environment, SubscriberParts & { endpoints: readonly EndpointPart[] }>
} {
  const world: TestWorld = {
    bases: new Map([
      ['sim-swap:check', 'contract'],
      ['sim-swap:retrieve-date', 'not-allowed'],
      ['location-verification:verify', 'consent'],
    ]),
    identity: { phoneNumber: '+99012345678', method: 'header-enrichment' },
    sent: [],
  }
  const consent = createConsentDirectory(platform, {
    catalog: {
      legalBasisOf: async (_environment, scope) => {
        const basis = world.bases.get(scope)
        return basis && { apiId: `${scope.split(':')[0]}/v1`, basis }
      },
    },
    partners: {
      getApplication: async (id) => ({
        ...{ id, name: 'Example App', partnerId: 'prt_1', partnerName: 'Example Bank' },
        environment: id.includes('wl_live') ? 'production' : 'sandbox',
      }),
    },
  })
  const sendMessage = async (phoneNumber: string, text: string) => {
    world.sent.push({ phoneNumber, text })
  }
  const made = (environment: Environment) => {
    const { pages, endpoints } = createSubscriberPages(platform, environment, {
      consent,
      sendMessage,
      mayServe: () => true,
      describe: async () => [],
      usesOf: async () => [],
      scopesOfApi: async () => [],
      exportOf: async (records) => records,
    })
    const lookup = {
      byAddress: async () => world.identity?.phoneNumber,
      byOperatorToken: async () => world.identity?.phoneNumber,
      mayServe: () => true,
    }
    const attempts = createAttempts(platform.database)
    const network = { identify: async () => world.identity }
    const { operatorName } = platform.config
    const basisOf = async (scope: string) => world.bases.get(scope)
    return {
      ...{ consent, network, lookup, sendMessage, attempts, basisOf, operatorName },
      ...{ pages, endpoints },
    }
  }
  return { world, subscribers: { sandbox: made('sandbox'), production: made('production') } }
}
