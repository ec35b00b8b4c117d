import Provider from 'oidc-provider'
import { invalidClient, OAuthError } from './oauth-error.ts'
import { replayId } from './replay-id.ts'
import type { ServerOptions } from './server-options.ts'
import { clockSkewSeconds } from './signed-jwt.ts'
import { useAssertion } from './store.ts'
import { stateOf } from './token-state.ts'

/**
 * oidc-provider finds first and saves afterwards: of simultaneous requests several would find nothing. Here the insertion
 * alone decides, for all processes on this database, and says what was used before. Assertions, proofs and request
 * objects are counted apart, so that a client may give one jti to each.
 */
export function decideReplays(provider: Provider, { environment, database }: ServerOptions): void {
  provider.ReplayDetection.unique = async (issuer, jti, exp) => {
    const state = stateOf(Provider.ctx?.req)
    const kind = state?.checksAssertion === true ? 'assertion' : 'proof'
    if (state !== undefined) state.checksAssertion = false
    const id = replayId(kind, issuer, jti)
    // A proof may be a little ahead of our clock, and is good for its whole window from then on.
    const later = kind === 'assertion' ? 0 : 2 * clockSkewSeconds
    const expiresAt = new Date((Math.ceil(exp) + later) * 1_000)
    if (await useAssertion(database, { environment, id, expiresAt })) return true
    if (kind === 'assertion')
      throw invalidClient(
        'the client assertion was used before: make one with a new jti for each request',
      )
    throw new OAuthError(
      400,
      'invalid_dpop_proof',
      'the DPoP proof was used before: make one with a new jti for each request',
    )
  }
}
