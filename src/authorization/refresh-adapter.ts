import Provider, { type Adapter } from 'oidc-provider'
import { createArtifacts } from './artifacts.ts'
import { OAuthError } from './oauth-error.ts'
import type { ServerOptions } from './server-options.ts'
import { spendWithToken } from './token-state.ts'

/** A second use this soon is a repeated request or a lost answer; later it is somebody else's. */
export const repeatSeconds = 10

/**
 * Refresh tokens that are rotated are used once. Of simultaneous uses one succeeds. The others, and a repetition right
 * after, are refused and harm nothing; a use that comes later ends the grant (RFC 9700, section 4.14.2), because two now
 * hold the token. A client whose answer was lost asks anew: while consent lives, nobody is bothered by that.
 */
export function refreshAdapter(options: ServerOptions, kept: Adapter): Adapter {
  const artifacts = createArtifacts(options)
  const model = 'RefreshToken'
  return {
    ...kept,
    async find(id) {
      const payload = await kept.find(id)
      if (typeof payload?.consumed === 'number') {
        const age = options.clock.now().getTime() - payload.consumed * 1_000
        if (age < repeatSeconds * 1_000) throw usedBefore()
      }
      return payload
    },
    consume: (id) =>
      spendWithToken(Provider.ctx?.req, async () => {
        if (!(await artifacts.consume(model, id))) throw usedBefore()
      }),
  }
}

const usedBefore = (): OAuthError =>
  new OAuthError(
    400,
    'invalid_grant',
    'the refresh token was used before: use the one that came with the answer',
  )
