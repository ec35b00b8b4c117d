import type { Kysely } from 'kysely'
import { listPublished, pricesInForce, listPlans as readPlans } from './price-store.ts'
import type { Plan } from './schema.ts'
import type { ContractTables, PriceRow } from './tables.ts'

/** The plans with the price of `*` and of each published API that they offer, as it is in force now. */
export async function listPlans(db: Kysely<ContractTables>): Promise<Plan[]> {
  const [plans, prices, published] = await Promise.all([
    readPlans(db),
    pricesInForce(db),
    listPublished(db),
  ])
  const pricesOf = Map.groupBy(prices, (price) => price.plan_id)
  return plans.map((plan) => {
    const own = pricesOf.get(plan.id) ?? []
    const base = own.find((price) => price.api_id === '*')
    const offered = published.filter(
      (api) => api.plans.length === 0 || api.plans.includes(plan.name),
    )
    const ofApis = offered.flatMap((api) => {
      const price = own.find((one) => one.api_id === api.api_id) ?? base
      return price === undefined ? [] : [toPrice(api.api_id, price)]
    })
    return {
      id: plan.id,
      name: plan.name,
      tier: plan.tier,
      currency: base?.currency ?? '',
      selfService: plan.self_service,
      ...plan.limits.production,
      sandbox: plan.limits.sandbox,
      sla: plan.sla,
      prices: [...(base === undefined ? [] : [toPrice('*', base)]), ...ofApis],
    }
  })
}

const toPrice = (apiId: string, price: PriceRow): Plan['prices'][number] => ({
  apiId,
  priceId: price.id,
  unit: price.unit,
  list: price.list,
})
