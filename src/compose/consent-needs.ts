import { createLegalBases } from '#catalog'
import type { ConsentNeeds } from '#consent'
import type { PartnerDirectory } from '#partners'
import type { Platform } from '#platform/module'

/** What consent asks of the other modules, the same in each process that decides about it. */
export function consentNeeds(
  platform: Platform,
  partners: Pick<PartnerDirectory, 'getApplication' | 'getPartner'>,
): ConsentNeeds {
  return {
    catalog: createLegalBases(platform),
    partners: {
      async getApplication(id) {
        const application = await partners.getApplication(id)
        if (application === undefined) return undefined
        const partner = await partners.getPartner(application.partnerId)
        return { ...application, partnerName: partner?.name ?? application.partnerId }
      },
    },
  }
}
