import type { Endpoint } from './upstream-endpoint.ts'

/**
 * Picks the target of a call: two are drawn by weight among those that serve, and the less loaded one of them is taken.
 * So parts are as the weights say while all are quick, and a slow one gets less. One that was ejected is only taken when
 * there is no other.
 * @param except a target that this call has just failed at
 * @returns undefined when none may be called now
 */
export function chooseEndpoint(
  endpoints: readonly Endpoint[],
  nowMs: number,
  random: () => number,
  except?: Endpoint,
): Endpoint | undefined {
  const [only] = endpoints
  if (endpoints.length === 1 && only !== undefined)
    return only !== except && mayServe(only, nowMs) ? only : undefined
  const serving = endpoints.filter((one) => one !== except && mayServe(one, nowMs))
  const trusted = serving.filter((one) => one.ejectedUntilMs <= nowMs)
  const candidates = trusted.length > 0 ? trusted : serving
  if (candidates.length < 2) return candidates[0]
  const first = draw(candidates, random)
  const second = draw(candidates, random)
  return loadOf(second) < loadOf(first) ? second : first
}

const mayServe = (endpoint: Endpoint, nowMs: number): boolean =>
  endpoint.weight > 0 && endpoint.healthy && endpoint.waitMs(nowMs) === 0

const loadOf = (endpoint: Endpoint): number => endpoint.inFlight / endpoint.weight

function draw(candidates: readonly Endpoint[], random: () => number): Endpoint {
  let total = 0
  for (const one of candidates) total += one.weight
  let point = random() * total
  let chosen = candidates[0] as Endpoint
  for (const one of candidates) {
    chosen = one
    point -= one.weight
    if (point < 0) break
  }
  return chosen
}
