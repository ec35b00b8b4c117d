import type { Transaction } from 'kysely'
import { lockFor } from '#platform/database'
import type { OutboxEvent } from '#platform/outbox'
import { planChanged } from './change-events.ts'
import type { Contracting, PublishedApi } from './needs.ts'
import {
  deletePublished,
  endOwnPrice,
  listPlans,
  listPublished,
  pricesInForce,
  putPriceInForce,
  putPublished,
} from './price-store.ts'
import { defaultPrice, ownPrice } from './price-versions.ts'
import type { ContractTables, PlanRow } from './tables.ts'

type Trx = Transaction<ContractTables>

/**
 * Brings prices and published scopes to what the catalog says now: of one API, or of all. What is read after the lock
 * is never older than what another reaction has applied.
 */
export async function followCatalog(
  contracting: Contracting,
  trx: Trx,
  cause?: OutboxEvent & { apiId: string },
): Promise<void> {
  await lockFor(trx, 'contracts.prices')
  const published = await contracting.catalog.publishedApis()
  const plans = await listPlans(trx)
  const touched = await putDefaultPrices(contracting, trx, plans)
  if (cause === undefined) {
    for (const api of published) {
      for (const planId of await applyApi(contracting, trx, plans, api)) touched.add(planId)
    }
    const known = new Set(published.map((api) => api.apiId))
    for (const { api_id } of await listPublished(trx)) {
      if (known.has(api_id)) continue
      for (const planId of await forgetApi(trx, plans, api_id)) touched.add(planId)
    }
  } else {
    const api = published.find((one) => one.apiId === cause.apiId)
    const changed =
      api === undefined
        ? await forgetApi(trx, plans, cause.apiId)
        : await applyApi(contracting, trx, plans, api)
    for (const planId of changed) touched.add(planId)
  }
  for (const planId of touched) await planChanged(contracting, trx, planId, cause)
}

/** The plans' own prices exist from the first start, and again when the operator's currency changes. */
async function putDefaultPrices(
  { newId, clock, currency }: Contracting,
  trx: Trx,
  plans: readonly PlanRow[],
): Promise<Set<string>> {
  const touched = new Set<string>()
  for (const plan of plans) {
    const changed = await putPriceInForce(trx, {
      id: newId('price'),
      plan_id: plan.id,
      api_id: '*',
      ...defaultPrice(plan.name),
      currency,
      effective_from: clock.now(),
    })
    if (changed) touched.add(plan.id)
  }
  return touched
}

/** @returns the plans whose price of this API changed */
async function applyApi(
  { newId, clock, currency }: Contracting,
  trx: Trx,
  plans: readonly PlanRow[],
  api: PublishedApi,
): Promise<string[]> {
  await putPublished(trx, api)
  const touched: string[] = []
  for (const plan of plans) {
    const price = ownPrice(api, plan.name)
    const changed =
      price === undefined
        ? await endOwnPrice(trx, plan.id, api.apiId)
        : await putPriceInForce(trx, {
            id: newId('price'),
            plan_id: plan.id,
            api_id: api.apiId,
            ...price,
            currency,
            effective_from: clock.now(),
          })
    if (changed) touched.push(plan.id)
  }
  return touched
}

async function forgetApi(trx: Trx, plans: readonly PlanRow[], apiId: string): Promise<string[]> {
  await deletePublished(trx, apiId)
  const touched: string[] = []
  for (const plan of plans) if (await endOwnPrice(trx, plan.id, apiId)) touched.push(plan.id)
  return touched
}

/** Whether every plan has a price: it has, once the control process has started for the first time. */
export async function ensurePrices(contracting: Contracting, trx: Trx): Promise<void> {
  const inForce = await pricesInForce(trx)
  if (inForce.some((price) => price.api_id === '*')) return
  await lockFor(trx, 'contracts.prices')
  await putDefaultPrices(contracting, trx, await listPlans(trx))
}
