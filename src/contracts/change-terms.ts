import { type Actor, recordAction } from '#audit'
import { invalidArgument, type Violation } from '#platform/app-error'
import { staffOf } from './authority.ts'
import { change } from './change-contract.ts'
import { type Limits, limitsInWords } from './limits.ts'
import type { Contracting } from './needs.ts'
import type { ContractMask } from './schema.ts'
import { setContractLimits, setContractMasks } from './store.ts'
import type { ContractRow } from './tables.ts'

/**
 * Replaces what a contract says of response fields, before what the products say of them.
 * @throws AppError INVALID_ARGUMENT with every mask that the catalog has no place for
 */
export async function replaceMasks(
  contracting: Contracting,
  actor: Actor,
  id: string,
  masks: readonly ContractMask[],
): Promise<ContractRow> {
  const staff = staffOf(actor)
  await refuseMasks(contracting, masks)
  return await change(contracting, staff, id, async (trx, contract) => {
    await setContractMasks(trx, id, masks)
    await recordAction(contracting.outbox, trx, {
      actor: staff,
      action: 'contract.masks_replaced',
      target: id,
      partnerId: contract.partner_id,
      detail: {
        before: contract.masks.map(maskInWords),
        after: masks.map(maskInWords),
      },
    })
    return { ...contract, masks: [...masks] }
  })
}

const maskInWords = ({ apiId, field, action, gridMetres }: ContractMask): string =>
  `${apiId} ${field}: ${action}${gridMetres === undefined ? '' : ` to ${gridMetres} m`}`

async function refuseMasks(
  { catalog }: Contracting,
  masks: readonly ContractMask[],
): Promise<void> {
  const violations: Violation[] = []
  const seen = new Set<string>()
  for (const [index, { apiId, field, action, gridMetres }] of masks.entries()) {
    const fault = (name: string, message: string): void => {
      violations.push({ path: `/masks/${index}/${name}`, message })
    }
    const key = `${apiId} ${field}`
    if (seen.has(key)) fault('field', 'is listed already for this API')
    seen.add(key)
    if (gridMetres !== undefined && action !== 'coarsen') fault('gridMetres', 'is for coarsen only')
  }
  for (const [index, found] of (await catalog.maskFaults(masks)).entries())
    if (found !== undefined)
      violations.push({ path: `/masks/${index}/${found.at}`, message: found.message })
  if (violations.length > 0) throw invalidArgument(violations)
}

/** Gives a contract limits of its own, in the place of all limits of its plan. */
export async function replaceLimits(
  contracting: Contracting,
  actor: Actor,
  id: string,
  limits: Limits,
): Promise<ContractRow> {
  const staff = staffOf(actor)
  const lengths = limits.rate.map((one) => one.windowSeconds)
  const twice = lengths.findIndex((length, index) => lengths.indexOf(length) < index)
  if (twice !== -1)
    throw invalidArgument([
      { path: `/rate/${twice}/windowSeconds`, message: 'is the length of another window already' },
    ])
  return await change(contracting, staff, id, async (trx, contract) => {
    await setContractLimits(trx, id, limits)
    await recordAction(contracting.outbox, trx, {
      actor: staff,
      action: 'contract.limits_replaced',
      target: id,
      partnerId: contract.partner_id,
      detail: limitsInWords(limits),
    })
    return { ...contract, limits }
  })
}

/** Back to the limits of the plan. */
export async function resetLimits(
  contracting: Contracting,
  actor: Actor,
  id: string,
): Promise<ContractRow> {
  const staff = staffOf(actor)
  return await change(contracting, staff, id, async (trx, contract) => {
    if (contract.limits === null) return contract
    await setContractLimits(trx, id, null)
    await recordAction(contracting.outbox, trx, {
      actor: staff,
      action: 'contract.limits_reset',
      target: id,
      partnerId: contract.partner_id,
    })
    return { ...contract, limits: null }
  })
}
