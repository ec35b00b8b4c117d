import type { createOwnRecords } from '#consent'
import { createSubscriberUses } from '#metering'
import type { PartnerDirectory } from '#partners'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { consentNeeds } from './consent-needs.ts'

/** The calls that were answered about a subscriber, with the names that the subscriber knows. */
export function namedUses(
  platform: Platform,
  partners: Pick<PartnerDirectory, 'getApplication' | 'getPartner'>,
  { purposeLabels }: Pick<ReturnType<typeof createOwnRecords>, 'purposeLabels'>,
  environment: Environment,
) {
  const { usesOf } = createSubscriberUses(platform)
  const { getApplication } = consentNeeds(platform, partners).partners
  return async (subject: string, language: string) => {
    const uses = await usesOf(environment, subject)
    if (uses.length === 0) return []
    const labelOf = await purposeLabels(language)
    const ids = [...new Set(uses.map(({ applicationId }) => applicationId))]
    const found = await Promise.all(ids.map(async (id) => [id, await getApplication(id)] as const))
    const applications = new Map(found)
    return uses.map(({ purpose, ...use }) => {
      const application = applications.get(use.applicationId)
      return {
        ...use,
        // Of one that is gone, what happened is told all the same.
        applicationName: application?.name ?? use.applicationId,
        partnerName: application?.partnerName ?? use.partnerId,
        api: plainName(use.apiId),
        purpose: purpose === undefined ? undefined : { term: purpose, label: labelOf(purpose) },
      }
    })
  }
}

/** `sim-swap/v2` is `Sim swap` to a subscriber. */
function plainName(apiId: string): string {
  const words = (apiId.split('/', 1)[0] ?? apiId).replaceAll('-', ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}
