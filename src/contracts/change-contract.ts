import type { Transaction } from 'kysely'
import { type Actor, recordAction } from '#audit'
import { AppError, invalidArgument } from '#platform/app-error'
import { maySee, memberOf, staffOf } from './authority.ts'
import { contractChanged, subscriptionChanged } from './change-events.ts'
import type { Contracting } from './needs.ts'
import { findPlan } from './price-store.ts'
import { endSubscriptions, lockContract, setContractPlan, setContractState } from './store.ts'
import type { ContractRow, ContractTables } from './tables.ts'

type Trx = Transaction<ContractTables>

export const noSuchContract = (): AppError =>
  new AppError('NOT_FOUND', 'There is no such contract.')

/** Reads the contract under a lock, changes it, and tells of the change, all in one transaction. */
export async function change(
  contracting: Contracting,
  actor: Actor,
  id: string,
  make: (trx: Trx, contract: ContractRow) => Promise<ContractRow>,
): Promise<ContractRow> {
  return await contracting.db.transaction().execute(async (trx) => {
    const contract = await lockContract(trx, id)
    if (contract === undefined || !maySee(actor, contract.partner_id)) throw noSuchContract()
    if (contract.state === 'ended')
      throw new AppError('INCOMPATIBLE_STATE', 'The contract has ended.')
    const changed = await make(trx, contract)
    await contractChanged(contracting, trx, changed)
    return changed
  })
}

/** Stops every call under a contract until the suspension is lifted. */
export function suspendContract(
  contracting: Contracting,
  actor: Actor,
  id: string,
  reason: string,
): Promise<ContractRow> {
  const staff = staffOf(actor)
  return change(contracting, staff, id, async (trx, contract) => {
    if (contract.state === 'suspended')
      throw new AppError('ALREADY_EXISTS', 'The contract is suspended already.')
    const since = contracting.clock.now()
    await setContractState(trx, id, 'suspended', {
      suspendedReason: reason,
      suspendedAt: since,
      endedAt: null,
    })
    await recordAction(contracting.outbox, trx, {
      actor: staff,
      action: 'contract.suspended',
      target: id,
      partnerId: contract.partner_id,
      detail: { reason },
    })
    return { ...contract, state: 'suspended', suspended_reason: reason, suspended_at: since }
  })
}

export function liftSuspension(
  contracting: Contracting,
  actor: Actor,
  id: string,
): Promise<ContractRow> {
  const staff = staffOf(actor)
  return change(contracting, staff, id, async (trx, contract) => {
    if (contract.state !== 'suspended')
      throw new AppError('NOT_FOUND', 'The contract is not suspended.')
    await setContractState(trx, id, 'active', {
      suspendedReason: null,
      suspendedAt: null,
      endedAt: null,
    })
    await recordAction(contracting.outbox, trx, {
      actor: staff,
      action: 'contract.resumed',
      target: id,
      partnerId: contract.partner_id,
    })
    return { ...contract, state: 'active', suspended_reason: null, suspended_at: null }
  })
}

/** Puts a contract on another plan: limits and prices of the new one hold for calls from now on. */
export function changePlan(
  contracting: Contracting,
  actor: Actor,
  id: string,
  planId: string,
): Promise<ContractRow> {
  const staff = staffOf(actor)
  return change(contracting, staff, id, async (trx, contract) => {
    const plan = await findPlan(trx, planId)
    if (plan === undefined) throw invalidArgument([{ path: '/planId', message: 'is not a plan' }])
    if (plan.id === contract.plan_id) return contract
    await setContractPlan(trx, id, plan.id, contracting.clock.now())
    await recordAction(contracting.outbox, trx, {
      actor: staff,
      action: 'contract.plan_changed',
      target: id,
      partnerId: contract.partner_id,
      detail: {
        from: contract.plan_id,
        to: plan.id,
        ...(contract.limits !== null && { ownLimits: 'given up' }),
      },
    })
    return { ...contract, plan_id: plan.id, limits: null }
  })
}

/** Ends a production contract and every subscription under it, for good. */
export function endContract(
  contracting: Contracting,
  actor: Actor,
  id: string,
): Promise<ContractRow> {
  const by = actor.kind === 'operator' ? actor : memberOf(actor)
  return change(contracting, by, id, async (trx, contract) => {
    if (contract.environment === 'sandbox') {
      throw new AppError(
        'INCOMPATIBLE_STATE',
        'The sandbox contract stays as long as the partner does.',
      )
    }
    const at = contracting.clock.now()
    await setContractState(trx, id, 'ended', {
      suspendedReason: null,
      suspendedAt: null,
      endedAt: at,
    })
    for (const subscription of await endSubscriptions(trx, { contractId: id }, at)) {
      await subscriptionChanged(contracting, trx, subscription)
    }
    await recordAction(contracting.outbox, trx, {
      actor: by,
      action: 'contract.ended',
      target: id,
      partnerId: contract.partner_id,
    })
    return {
      ...contract,
      state: 'ended',
      suspended_reason: null,
      suspended_at: null,
      ended_at: at,
    }
  })
}
