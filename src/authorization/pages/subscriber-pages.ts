import { randomBytes } from 'node:crypto'
import { openNumber, subjectOf } from '#consent'
import { createAttempts } from '#platform/attempts'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { networkOf } from '#platform/network'
import { clientAddressOf } from '../client-address.ts'
import type { EndpointPart } from '../grants/grant-part.ts'
import type { InteractionPages } from '../interaction.ts'
import { networkList } from '../network-list.ts'
import { consentEndpoints } from './consent-routes.ts'
import { type HandsetSource, handsetEndpoints } from './handset-routes.ts'
import { createInteractionPages } from './interaction-pages.ts'
import { type PageNeeds, pageContext } from './page-needs.ts'
import { privacyEndpoints } from './privacy-routes.ts'

/**
 * What the pages of subscribers ask of the modules around the authorization server.
 * @public
 */
export type SubscriberPageNeeds = Pick<
  PageNeeds,
  | 'consent'
  | 'sendMessage'
  | 'messagesMissing'
  | 'mayServe'
  | 'describe'
  | 'usesOf'
  | 'scopesOfApi'
  | 'exportOf'
> & {
  /** the simulated operator's handsets; of the sandbox only */
  handsets?: HandsetSource
}

/**
 * The pages that subscribers see, of one environment: consent, privacy and, in the sandbox, the virtual handset.
 * @public
 */
export function createSubscriberPages(
  { config, sealing, clock, log, database }: Platform,
  environment: Environment,
  needs: SubscriberPageNeeds,
): { pages: InteractionPages; endpoints: readonly EndpointPart[] } {
  const trusts = networkList(config.trustedProxies)
  const context = pageContext({
    ...needs,
    environment,
    url: `${config.authorization.url}/${environment}`,
    operatorName: config.operatorName,
    subjectOf: (phoneNumber) => subjectOf(sealing, environment, phoneNumber),
    openNumber: (sealed) => openNumber(sealing, environment, sealed),
    addressOf: (request) =>
      clientAddressOf(request, trusts)?.address ?? networkOf(request.socket.remoteAddress ?? ''),
    sealing,
    attempts: createAttempts(database),
    clock,
    log,
    randomSecret: () => randomBytes(32).toString('base64url'),
  })
  return {
    pages: createInteractionPages(context),
    endpoints: [
      ...consentEndpoints(context, database.as()),
      ...privacyEndpoints(context, database.as()),
      ...(environment === 'sandbox' && needs.handsets !== undefined
        ? handsetEndpoints(context, needs.handsets)
        : []),
    ],
  }
}
