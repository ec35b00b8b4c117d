import type { Environment } from '#platform/config'
import { OAuthError, quoted } from './oauth-error.ts'

/** On which legal basis a scope is answered, for a purpose or for a request that names none. */
export type BasisOf = (scope: string, purpose: string | undefined) => Promise<string | undefined>

const rememberedMs = 5_000
const mostRemembered = 1_000

/**
 * Remembers answers for a few seconds: they change when an API is published, and gateways look at the same rules at each
 * call. A token is then no query dearer than before.
 * @public
 */
export function rememberBases(basisOf: BasisOf, now: () => number): BasisOf {
  const known = new Map<string, { until: number; basis: string | undefined }>()
  return async (scope, purpose) => {
    const key = `${purpose ?? ''} ${scope}`
    const found = known.get(key)
    if (found !== undefined && found.until > now()) return found.basis
    const basis = await basisOf(scope, purpose)
    if (known.size >= mostRemembered) known.clear()
    known.set(key, { until: now() + rememberedMs, basis })
    return basis
  }
}

/**
 * What can be refused before anybody looks for the subscriber, so that the refusal tells nothing of them.
 * @throws invalid_scope
 */
export async function requireOffered(
  basisOf: BasisOf | undefined,
  purpose: string,
  scopes: readonly string[],
): Promise<void> {
  for (const scope of scopes)
    if ((await basisOf?.(scope, purpose)) === 'not-allowed') throw notOffered(scope, purpose)
}

/**
 * Tokens without a subscriber, for scopes about subscribers (CAMARA security profile: exactly one purpose where personal
 * data is asked for). Which subscriber it will be is known at the call only, so there the gateway looks for the consent;
 * here a token is refused that could never be used. The first calls in the sandbox need no purpose.
 * @throws invalid_scope
 */
export async function requireTwoLeggedBasis(
  environment: Environment,
  basisOf: BasisOf,
  purpose: string | undefined,
  scopes: readonly string[],
): Promise<void> {
  for (const scope of scopes) {
    const basis = await basisOf(scope, purpose)
    if (purpose !== undefined && basis === 'not-allowed') throw notOffered(scope, purpose)
    if (purpose === undefined && basis === 'consent' && environment === 'production')
      throw invalidScope(
        `${quoted(scope)} is answered with the subscriber's consent, which is given for a purpose: add exactly one, such as dpv:FraudPreventionAndDetection`,
      )
  }
}

const notOffered = (scope: string, purpose: string): OAuthError =>
  invalidScope(
    `${quoted(scope)} is not offered for ${purpose}: the page of its API names the purposes`,
  )

const invalidScope = (description: string): OAuthError =>
  new OAuthError(400, 'invalid_scope', description)
