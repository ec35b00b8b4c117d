import type { Kysely } from 'kysely'
import type { Quota, RateLimit, Spike } from './limits.ts'
import { findPlan, pricesInForce } from './price-store.ts'
import type { ContractMask } from './schema.ts'
import { findContract, findSubscription } from './store.ts'
import type { ContractRow, ContractTables, PlanRow, SubscriptionRow } from './tables.ts'

/** What a gateway needs to know of a contract. @public */
export type ContractSnapshot = {
  kind: 'contract'
  id: string
  partnerId: string
  planId: string
  tier: 'free' | 'paid' | 'enterprise'
  state: 'active' | 'suspended'
  timeZone: string
  rate: readonly RateLimit[]
  quota: Quota | undefined
  spike?: Spike
  /** calls that may be under way at the same moment */
  concurrency?: number
  masks?: readonly ContractMask[]
}

/** What a gateway needs to know of a plan. @public */
export type PlanSnapshot = {
  kind: 'plan'
  id: string
  currency: string
  /** the price version in force, by API version or `*` */
  prices: Readonly<Record<string, string>>
}

/** @public */
export type SubscriptionSnapshot = {
  kind: 'subscription'
  id: string
  applicationId: string
  contractId: string
  apiId: string
  state: 'active' | 'suspended'
}

type Db = Kysely<ContractTables>

/** @returns undefined when there is no such contract, or it has ended */
export async function contractEntry(db: Db, id: string): Promise<ContractSnapshot | undefined> {
  const contract = await findContract(db, id)
  if (contract === undefined) return undefined
  const plan = await findPlan(db, contract.plan_id)
  return plan === undefined ? undefined : toContract(contract, plan)
}

/** @returns undefined when there is no such plan */
export async function planEntry(db: Db, id: string): Promise<PlanSnapshot | undefined> {
  const prices = await pricesInForce(db, id)
  const currency = prices.find((price) => price.api_id === '*')?.currency
  if (currency === undefined) return undefined
  return {
    kind: 'plan',
    id,
    currency,
    prices: Object.fromEntries(prices.map((price) => [price.api_id, price.id])),
  }
}

function toContract(contract: ContractRow, plan: PlanRow): ContractSnapshot | undefined {
  if (contract.state === 'ended') return undefined
  const { rate, quota, spike, concurrency } = contract.limits ?? plan.limits[contract.environment]
  return {
    kind: 'contract',
    id: contract.id,
    partnerId: contract.partner_id,
    planId: plan.id,
    tier: plan.tier,
    state: contract.state,
    timeZone: contract.time_zone,
    rate,
    quota,
    ...(spike !== undefined && { spike }),
    ...(concurrency !== undefined && { concurrency }),
    ...(contract.masks.length > 0 && { masks: contract.masks }),
  }
}

/** @returns undefined when there is no such subscription, or it has ended */
export async function subscriptionEntry(
  db: Db,
  id: string,
): Promise<SubscriptionSnapshot | undefined> {
  const row = await findSubscription(db, id)
  return row === undefined ? undefined : toSubscription(row)
}

const toSubscription = (row: SubscriptionRow): SubscriptionSnapshot | undefined =>
  row.state === 'ended'
    ? undefined
    : {
        kind: 'subscription',
        id: row.id,
        applicationId: row.application_id,
        contractId: row.contract_id,
        apiId: row.api_id,
        state: row.state,
      }
