import type { Kysely } from 'kysely'
import { noSuchContract } from './change-contract.ts'
import { listPlans } from './price-store.ts'
import { quotaWarnings } from './quota-warnings.ts'
import type { Contract, QuotaWarning } from './schema.ts'
import type { ContractRow, ContractTables, PlanRow } from './tables.ts'

/** Contracts as they are shown, with the limits that hold for them. */
export function contractWire(db: Kysely<ContractTables>) {
  const wire = async (rows: readonly ContractRow[]): Promise<Contract[]> => {
    const plans = new Map((await listPlans(db)).map((plan) => [plan.id, plan]))
    const warnings = await quotaWarnings(
      db,
      rows.map((row) => row.id),
    )
    return rows.map((row) => toContract(row, plans.get(row.plan_id), warnings.get(row.id) ?? []))
  }
  return {
    wire,
    async wireOne(row: ContractRow): Promise<Contract> {
      const [contract] = await wire([row])
      if (contract === undefined) throw noSuchContract()
      return contract
    },
  }
}

function toContract(
  row: ContractRow,
  plan: PlanRow | undefined,
  warnings: readonly QuotaWarning[],
): Contract {
  const limits = row.limits ?? plan?.limits[row.environment] ?? { rate: [] }
  return {
    id: row.id,
    partnerId: row.partner_id,
    planId: row.plan_id,
    tier: plan?.tier ?? 'free',
    environment: row.environment,
    state: row.state,
    timeZone: row.time_zone,
    startsAt: row.starts_at.toISOString(),
    limits: { ...limits, source: row.limits === null ? 'plan' : 'contract' },
    masks: row.masks,
    quotaWarnings: [...warnings],
    ...(row.agreement_id !== null && { agreementId: row.agreement_id }),
    ...(row.ended_at !== null && { endedAt: row.ended_at.toISOString() }),
    ...(row.suspended_reason !== null &&
      row.suspended_at !== null && {
        suspension: { reason: row.suspended_reason, since: row.suspended_at.toISOString() },
      }),
  }
}
