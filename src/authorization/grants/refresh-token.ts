import type { KoaContextWithOIDC } from 'oidc-provider'
import { stateOf } from '../token-state.ts'
import type { GrantPart } from './grant-part.ts'

const day = 86_400
/** However often it is rotated: then the subscriber's network is asked again who is there. */
const longestSeconds = 90 * day

/**
 * Refresh tokens, for applications that have them in their settings and ask for `offline_access`. Each refresh decides
 * anew whether a token may be made (`token-claims.ts`): consent that was withdrawn or has expired, an order that changed
 * and a client that was suspended end it, so a refresh token lives no longer than what it rests on.
 */
export const refreshTokenPart: GrantPart = {
  enabled: ({ subscribers }) => subscribers !== undefined,
  configuration: () => ({
    issueRefreshToken: (ctx, client, source) =>
      stateOf(ctx.req)?.client?.settings.refreshTokens === true &&
      client.grantTypeAllowed('refresh_token') &&
      (source.scope ?? '').split(' ').includes('offline_access'),
    rotateRefreshToken: (ctx) => !isBound(ctx),
    ttl: { RefreshToken: secondsLeft },
  }),
  metadata: () => ({ grant_types_supported: ['refresh_token'] }),
}

const secondsLeft = (ctx: KoaContextWithOIDC | undefined): number =>
  ctx?.oidc.entities.RotatedRefreshToken?.remainingTTL ?? longestSeconds

/**
 * A copy of the token is worth nothing to whoever cannot authenticate as its client, by a key that never leaves it; then
 * rotation would only lose tokens with answers that are lost. A secret is sent along and may leak with the token.
 */
function isBound(ctx: KoaContextWithOIDC): boolean {
  const state = stateOf(ctx.req)
  const mechanism = state?.request.mechanism ?? 'none'
  return state?.client !== undefined && !mechanism.startsWith('client_secret')
}
