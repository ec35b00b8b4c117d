import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import type { Platform } from '#platform/module'
import type { OutboxEvent, Subscriber } from '#platform/outbox'
import { type ApplicationRecord, deleteApplication, listApplications } from './store.ts'
import type { PartnerTables } from './tables.ts'

type Ending = Pick<Platform, 'clock' | 'outbox'>

/**
 * Ends an application, its credentials and their tokens, in the caller's transaction.
 * @returns what to wait for until gateways know; undefined when it had ended before
 */
export async function endApplication(
  { clock, outbox }: Ending,
  trx: Transaction<PartnerTables>,
  { id, partnerId, environment }: ApplicationRecord,
  { actor, cause }: { actor: Actor; cause?: OutboxEvent },
): Promise<string | undefined> {
  if (!(await deleteApplication(trx, id, clock.now()))) return undefined
  await recordAction(outbox, trx, { actor, action: 'application.deleted', target: id, partnerId })
  return await outbox.emit(trx, {
    type: 'application.changed',
    key: id,
    payload: { applicationId: id, partnerId, environment },
    ...(cause !== undefined && { cause }),
  })
}

/** An organisation without a member calls nothing: nobody could ever end or change what it has. */
export const createPartnerSubscriber = (platform: Ending): Subscriber => ({
  name: 'partners',
  types: ['partner.abandoned'],
  async handle(anyTrx, event) {
    const trx = anyTrx as Transaction<PartnerTables>
    const { partnerId } = event.payload as { partnerId: string }
    const by = { actor: { kind: 'system', id: 'unconfirmed-accounts' }, cause: event } as const
    for (const application of await listApplications(trx, partnerId))
      await endApplication(platform, trx, application, by)
  },
})
