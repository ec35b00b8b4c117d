import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import type { OutboxEvent } from '#platform/outbox'
import { contractChanged, subscriptionChanged } from './change-events.ts'
import { ensurePrices } from './follow-catalog.ts'
import type { Contracting } from './needs.ts'
import { findLivingContract, insertContract, insertSubscription } from './store.ts'
import type { ContractRow, ContractTables } from './tables.ts'

type Trx = Transaction<ContractTables>

const itself: Actor = { kind: 'system', id: 'contracts' }
const sandboxPlan = 'pln_free'

/** A partner's one sandbox contract: made when it is first needed, found ever after. */
export async function ensureSandboxContract(
  contracting: Contracting,
  trx: Trx,
  partnerId: string,
  cause?: OutboxEvent,
): Promise<ContractRow> {
  const existing = await findLivingContract(trx, partnerId, 'sandbox')
  if (existing !== undefined) return existing
  await ensurePrices(contracting, trx)
  const contract: ContractRow = {
    id: contracting.newId('contract'),
    partner_id: partnerId,
    environment: 'sandbox',
    plan_id: sandboxPlan,
    agreement_id: null,
    state: 'active',
    suspended_reason: null,
    suspended_at: null,
    time_zone: 'UTC',
    starts_at: contracting.clock.now(),
    ended_at: null,
    limits: null,
    masks: [],
  }
  if (!(await insertContract(trx, contract))) {
    // Another transaction was first and has committed: its contract is the one.
    return await ensureSandboxContract(contracting, trx, partnerId, cause)
  }
  await contractChanged(contracting, trx, contract, cause)
  await recordAction(contracting.outbox, trx, {
    actor: itself,
    action: 'contract.opened',
    target: contract.id,
    partnerId,
    detail: { environment: 'sandbox', plan: sandboxPlan },
  })
  return contract
}

/** A sandbox application's one subscription: every published API, also those that come later. */
export async function ensureSandboxSubscription(
  contracting: Contracting,
  trx: Trx,
  application: { id: string; partnerId: string },
  cause?: OutboxEvent,
): Promise<void> {
  const contract = await ensureSandboxContract(contracting, trx, application.partnerId, cause)
  const subscription = {
    id: contracting.newId('subscription'),
    contract_id: contract.id,
    partner_id: application.partnerId,
    application_id: application.id,
    environment: 'sandbox' as const,
    api_id: '*',
    state: 'active' as const,
    created_at: contracting.clock.now(),
    ended_at: null,
  }
  if (await insertSubscription(trx, subscription)) {
    await subscriptionChanged(contracting, trx, subscription, cause)
  }
}
