import type { Transaction } from 'kysely'
import type { OutboxEvent } from '#platform/outbox'
import { contractChanged } from './change-events.ts'
import type { Contracting } from './needs.ts'
import { contractsOfPlans } from './store.ts'
import type { ContractTables } from './tables.ts'

/** Contracts of these plans, after this id, are still to be told of. */
export type PriceRollout = {
  planIds: string[]
  after: string
  /** the root of what the step before this one told */
  previous?: string
}

export const rolloutEvent = 'contract.prices'
const step = 50
const patienceMs = 5_000

/**
 * Tells of every contract whose prices changed. With tens of thousands of them the gateways' read model would be busy
 * for minutes, and a withdrawn credential would wait in the same queue; so they are told of fifty at a time, and
 * the next fifty when those are through.
 */
export async function tellContracts(
  contracting: Contracting,
  trx: Transaction<ContractTables>,
  rollout: PriceRollout,
  cause?: OutboxEvent,
): Promise<void> {
  const { outbox } = contracting
  // When nobody takes them off the list in time, the next ones may as well be put on it.
  if (rollout.previous !== undefined) await outbox.settled([rollout.previous], patienceMs)
  const contracts = await contractsOfPlans(trx, rollout.planIds, rollout.after, step)
  const last = contracts.at(-1)
  if (last === undefined) return
  if (contracts.length < step) {
    for (const contract of contracts) await contractChanged(contracting, trx, contract, cause)
    return
  }
  const root = contracting.newId('event')
  for (const contract of contracts) {
    await contractChanged(contracting, trx, contract, rootedIn(root, contracting, cause))
  }
  await outbox.emit(trx, {
    type: rolloutEvent,
    key: last.id,
    payload: { planIds: rollout.planIds, after: last.id, previous: root },
    ...(cause !== undefined && { cause }),
  })
}

/** A cause whose chain is the step alone, so that the step can be waited for while the whole goes on. */
const rootedIn = (
  rootId: string,
  { clock }: Contracting,
  cause: OutboxEvent | undefined,
): OutboxEvent => ({
  ...(cause ?? { id: rootId, type: rolloutEvent, key: '', payload: {}, occurredAt: clock.now() }),
  rootId,
})
