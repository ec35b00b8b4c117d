import { OAuthError } from './oauth-error.ts'
import type { Refusal } from './token-state.ts'

/** What the provider has one text for. The client has authenticated, and what is named here is its own. */
const known: Readonly<Record<string, string>> = {
  'authorization code is expired': 'the code has expired: redeem it within a minute',
  'authorization code already consumed': 'the authorization code was used before',
  'authorization code redirect_uri mismatch':
    'redirect_uri is not the one that the code was asked for with',
  'code_verifier must be provided': 'code_verifier is missing',
  'code_verifier does not match code_challenge':
    'code_verifier does not fit the code_challenge that the code was asked for with',
  'missing DPoP proof JWT':
    'the code was asked for with the key of a DPoP proof: send a proof with that key',
  'DPoP proof key thumbprint does not match dpop_jkt':
    'the DPoP proof is of another key than the code was asked for with',
  'a scope is no longer offered for this purpose': 'a scope is no longer offered for this purpose',
  'refresh token is expired': 'the refresh token has expired: send a new authorization request',
  'refresh token already used': 'the refresh token was used before, so its grant has ended',
}

/** The same for what there is not and for what belongs to another client. */
const unknown = 'the code, token or request is not known here, is of another client, or has ended'

/** Says what is wrong with a grant, where the provider says only that it is invalid. */
export function withGrantFault(refusal: Refusal): Refusal {
  if (refusal.error !== 'invalid_grant' || refusal instanceof OAuthError) return refusal
  return new OAuthError(400, 'invalid_grant', known[refusal.error_detail ?? ''] ?? unknown)
}
