import type { Plan } from '#contracts/schema'
import { isZero, priceText } from '../../ui/format.ts'

/** The price that most APIs have on a plan. */
export function baseline(plan: Plan): string {
  const usual = plan.prices.find((p) => p.apiId === '*') ?? plan.prices[0]
  if (usual === undefined) return 'Prices are on each API’s page.'
  const own = plan.prices.some((p) => p.apiId !== '*' && p.unit !== usual.unit)
  const price = isZero(usual.unit)
    ? 'No charge for calls'
    : `${priceText(usual.unit, plan.currency)} a call`
  return own ? `${price}; some APIs differ.` : `${price}.`
}

type Limits = Pick<Plan, 'rate' | 'quota' | 'spike' | 'concurrency'>

export function limitText(limits: Limits): string {
  const rates = limits.rate.map((r) =>
    r.windowSeconds === 1
      ? `${r.limit} calls a second`
      : `${r.limit} calls in ${r.windowSeconds} s`,
  )
  const { quota, spike, concurrency } = limits
  const others = [
    ...(quota === undefined ? [] : [`${quota.limit} calls a ${quota.period}`]),
    ...(spike === undefined ? [] : [`no more than ${spike.limit} in ${spike.windowMs} ms`]),
    ...(concurrency === undefined ? [] : [`${concurrency} at the same moment`]),
  ]
  return [...rates, ...others].join(', ') || 'No limit of its own.'
}
