import type { ConsentInfoNeeds } from '#consent'
import type { Contracts } from '#contracts'
import type { PartnerDirectory } from '#partners'
import type { Config } from '#platform/config'

/** What consent-info asks of the other modules. */
export function consentInfoNeeds(
  config: Config,
  partners: Pick<PartnerDirectory, 'getApplication' | 'findClient'>,
  contracts: Pick<Contracts, 'scopesOf'>,
): ConsentInfoNeeds {
  return {
    scopesOf: (applicationId) => contracts.scopesOf(applicationId),
    async clientOf(applicationId) {
      const application = await partners.getApplication(applicationId)
      if (application === undefined) return undefined
      const client = await partners.findClient(application.clientId, application.environment)
      if (client === undefined) return undefined
      const { redirectUris, grants } = client.settings
      return { redirectUris, grants }
    },
    captureUrl: (environment, token) =>
      `${config.authorization.url}/${environment}/consent?t=${token}`,
  }
}
