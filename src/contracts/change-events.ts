import type { Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { OutboxEvent } from '#platform/outbox'
import type { Contracting } from './needs.ts'
import type { ContractTables } from './tables.ts'

type Trx = Transaction<ContractTables>

/** Tells the gateways' read model, in the transaction of the change, that a contract is not what it was. */
export async function contractChanged(
  { outbox }: Pick<Contracting, 'outbox'>,
  trx: Trx,
  contract: { id: string; environment: Environment },
  cause?: OutboxEvent,
): Promise<void> {
  await outbox.emit(trx, {
    type: 'contract.changed',
    key: contract.id,
    payload: { contractId: contract.id, environment: contract.environment },
    ...(cause !== undefined && { cause }),
  })
}

/** Tells the gateways' read model that a plan asks other prices. */
export async function planChanged(
  { outbox }: Pick<Contracting, 'outbox'>,
  trx: Trx,
  planId: string,
  cause?: OutboxEvent,
): Promise<void> {
  await outbox.emit(trx, {
    type: 'plan.changed',
    key: planId,
    payload: { planId },
    ...(cause !== undefined && { cause }),
  })
}

export async function subscriptionChanged(
  { outbox }: Pick<Contracting, 'outbox'>,
  trx: Trx,
  subscription: { id: string; environment: Environment },
  cause?: OutboxEvent,
): Promise<void> {
  await outbox.emit(trx, {
    type: 'subscription.changed',
    key: subscription.id,
    payload: { subscriptionId: subscription.id, environment: subscription.environment },
    ...(cause !== undefined && { cause }),
  })
}
