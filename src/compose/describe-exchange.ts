import type { DescribeExchange, ExchangeContext } from '#audit'
import { consentRecords } from '#consent'
import { contractTerms } from '#contracts'
import { rulesOf } from '#journal'
import { ruleQuestions } from '#metering'
import type { PartnerDirectory } from '#partners'
import type { Platform } from '#platform/module'

/** What the modules know about a call besides its record, for who asks why it was answered. */
export function createDescribeExchange(
  platform: Platform,
  needs: {
    partners: Pick<PartnerDirectory, 'getApplication' | 'getPartner'>
    catalog: { get(apiId: string): Promise<{ title: string } | undefined> }
  },
): DescribeExchange {
  const { partners, catalog } = needs
  const asks = (rule: string): string => {
    const known = ruleQuestions[/^(forward|check-response)$/.test(rule) ? 'upstream' : rule]
    return known ?? rule
  }
  return async (record, consentIds): Promise<ExchangeContext> => {
    const { partnerId, applicationId, apiId, contractId, refusedBy } = record
    const [partner, application, api, contract, consents] = await Promise.all([
      partnerId === undefined ? undefined : partners.getPartner(partnerId),
      applicationId === undefined ? undefined : partners.getApplication(applicationId),
      apiId === undefined ? undefined : catalog.get(apiId),
      contractId === undefined
        ? undefined
        : contractTerms(platform, contractId, new Date(record.at)),
      consentRecords(platform, consentIds),
    ])
    return {
      ...{ partner: partner?.name, application: application?.name, api: api?.title, contract },
      consents,
      notices: consents.flatMap(({ privacyNotices }) => privacyNotices),
      rules: rulesOf(record.rules ?? 0).map((rule) => ({ rule, asks: asks(rule) })),
      refusal: refusedBy === undefined ? undefined : asks(refusedBy),
    }
  }
}
