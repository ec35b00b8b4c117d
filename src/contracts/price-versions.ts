import type { PublishedApi } from './needs.ts'

/** The plans' own prices per billable call; an API may name others in its product manifest. */
const defaultPrices: Readonly<Record<string, string>> = {
  free: '0',
  paid: '0.0200',
  enterprise: '0.0120',
}
const listPlan = 'paid'

/** A decimal that a price may be: up to 18 digits before and 12 after the point, never a JS number. */
export const pricePattern = /^(0|[1-9]\d{0,17})(\.\d{1,12})?$/

export const defaultPrice = (plan: string): { unit: string; list: string } => ({
  unit: defaultPrices[plan] ?? defaultPrices[listPlan] ?? '0',
  list: defaultPrices[listPlan] ?? '0',
})

/**
 * The price of one API in one plan, or undefined when nothing sets it apart from the plan's own. The list price is
 * what the paid plan costs, so a manifest that names only `paid` changes what a free call would have cost too.
 * @throws when the manifest's price is not a decimal of at most 12 places
 */
export function ownPrice(
  api: PublishedApi,
  plan: string,
): { unit: string; list: string } | undefined {
  const own = api.prices[plan]
  const list = api.prices[listPlan]
  if (own === undefined && list === undefined) return undefined
  for (const price of [own, list]) {
    if (price !== undefined && !pricePattern.test(price)) {
      throw new TypeError(`the price of ${api.apiId} in plan ${plan} is not a decimal: ${price}`)
    }
  }
  const base = defaultPrice(plan)
  return { unit: own ?? base.unit, list: list ?? base.list }
}
