import type { Transaction } from 'kysely'
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { subscriptionChanged } from './change-events.ts'
import { followCatalog } from './follow-catalog.ts'
import type { Contracting } from './needs.ts'
import { ensureSandboxContract, ensureSandboxSubscription } from './open-sandbox-contract.ts'
import { keepQuotaWarning } from './quota-warnings.ts'
import { endSubscriptions } from './store.ts'
import type { ContractTables } from './tables.ts'

const PartnerEvent = Type.Object({ partnerId: Type.String() })
const ApplicationEvent = Type.Object({ applicationId: Type.String() })
const ApiEvent = Type.Object({ apiId: Type.String() })

type Trx = Transaction<ContractTables>
type Reaction = (contracting: Contracting, trx: Trx, event: OutboxEvent) => Promise<void>

/** Each reaction reads what is true now, so that an event told twice, late or out of order does no harm. */
const reactions: Readonly<Record<string, Reaction>> = {
  async 'partner.registered'(contracting, trx, event) {
    const { partnerId }: Static<typeof PartnerEvent> = Value.Parse(PartnerEvent, event.payload)
    await ensureSandboxContract(contracting, trx, partnerId, event)
    for (const application of await contracting.partners.applicationsOf(partnerId)) {
      if (application.environment !== 'sandbox') continue
      await ensureSandboxSubscription(contracting, trx, application, event)
    }
  },
  async 'application.changed'(contracting, trx, event) {
    const { applicationId } = Value.Parse(ApplicationEvent, event.payload)
    const application = await contracting.partners.getApplication(applicationId)
    if (application === undefined) {
      const at = contracting.clock.now()
      for (const ended of await endSubscriptions(trx, { applicationId }, at)) {
        await subscriptionChanged(contracting, trx, ended, event)
      }
    } else if (application.environment === 'sandbox') {
      await ensureSandboxSubscription(contracting, trx, application, event)
    }
  },
  async 'quota.warned'(_contracting, trx, event) {
    await keepQuotaWarning(trx, event.payload)
  },
  async 'api.changed'(contracting, trx, event) {
    const { apiId } = Value.Parse(ApiEvent, event.payload)
    await followCatalog(contracting, trx, { ...event, apiId })
  },
}

export const createSubscriber = (contracting: Contracting): Subscriber => ({
  name: 'contracts',
  types: Object.keys(reactions),
  async handle(trx, event) {
    await reactions[event.type]?.(contracting, trx as unknown as Trx, event)
  },
})
