import type { Contracts } from '#contracts'
import type { Metering } from '#metering'
import type { PartnerDirectory } from '#partners'

/** Whether an organisation has something in production, has agreed to something, or has called since then. */
export function partnersInUse({
  partners,
  contracts,
  metering,
}: {
  partners: Pick<PartnerDirectory, 'applicationsOf'>
  contracts: Pick<Contracts, 'requirementsOf'>
  metering: Pick<Metering, 'usage'>
}) {
  return async (partnerId: string, since: Date): Promise<boolean> => {
    const [applications, requirements, { total }] = await Promise.all([
      partners.applicationsOf(partnerId),
      contracts.requirementsOf(partnerId),
      metering.usage({
        from: dayOf(since),
        // A gateway may be a day ahead of us.
        to: dayOf(new Date(since.getTime() + 365 * 86_400_000)),
        timeZone: 'UTC',
        partnerId,
        environment: undefined,
        applicationId: undefined,
        apiId: undefined,
      }),
    ])
    return (
      total.calls > 0 ||
      applications.some(({ environment }) => environment === 'production') ||
      requirements.some(({ id, done }) => id !== 'email-verified' && done)
    )
  }
}

const dayOf = (at: Date): string => at.toISOString().slice(0, 10)
