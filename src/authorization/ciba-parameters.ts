import type { IncomingMessage } from 'node:http'
import type { KoaContextWithOIDC } from 'oidc-provider'

/** Requests that did not ask for `openid`. */
export const addedOpenid = new WeakSet<IncomingMessage>()

/** What the security profile says is ignored, so that it is never a fault either. */
const ignored = [
  'binding_message',
  'user_code',
  'requested_expiry',
  'acr_values',
  'request_context',
]

/**
 * Lets the provider read the parameters of a request of the back channel as the CAMARA security profile means them,
 * whether they come in the form or in a signed request, which it copies over the form later: what is ignored is not
 * there, and `openid`, which the profile only recommends and the provider demands, always is.
 */
export function readAsProfile({ req, oidc }: KoaContextWithOIDC): void {
  const { params } = oidc
  if (params === undefined) return
  for (const name of ignored) {
    Object.defineProperty(params, name, {
      configurable: true,
      enumerable: true,
      get: () => undefined,
      set: () => undefined,
    })
  }
  let scope: unknown = params.scope
  Object.defineProperty(params, 'scope', {
    configurable: true,
    enumerable: true,
    get() {
      if (typeof scope !== 'string' || scope === '') return scope
      if (scope.split(' ').includes('openid')) return scope
      addedOpenid.add(req)
      scope = `${scope} openid`
      return scope
    },
    set(value: unknown) {
      // The provider writes back what it has read, each scope once; anything else is another request.
      if (!sameScopes(value, scope)) addedOpenid.delete(req)
      scope = value
    },
  })
}

const sameScopes = (a: unknown, b: unknown): boolean =>
  typeof a === 'string' &&
  typeof b === 'string' &&
  new Set(a.split(' ')).symmetricDifference(new Set(b.split(' '))).size === 0
