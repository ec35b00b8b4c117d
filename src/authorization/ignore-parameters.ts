import type Provider from 'oidc-provider'

/** Never looked at: the network authenticates, in one way only (CAMARA security profile: acr_values MUST be ignored). */
const ignored: ReadonlySet<string> = new Set(['acr_values', 'id_token_hint', 'claims_locales'])
/** On the back channel a hint is never passed over: two of them may be about two people. */
const ignoredAtBackChannel: ReadonlySet<string> = new Set(['acr_values', 'claims_locales'])
/** Of an ID token, and so without a meaning in a request that asks for none. */
const ofIdToken: ReadonlySet<string> = new Set(['nonce', 'max_age'])

/**
 * oidc-provider refuses parameters of OpenID Connect in a request without `openid`; here `openid` may be left out, and
 * what then means nothing is passed over, wherever it stands: in the query, pushed, or signed.
 */
export function ignoreParameters(provider: Provider): void {
  const kept = new WeakMap<object, object>()
  Object.defineProperty(provider.OIDCContext.prototype, 'params', {
    configurable: true,
    get(this: object) {
      return kept.get(this)
    },
    set(this: { route?: string }, params: object | undefined) {
      if (params === undefined) kept.delete(this)
      else
        kept.set(
          this,
          new Proxy(
            params,
            passingOver(
              this.route === 'backchannel_authentication' ? ignoredAtBackChannel : ignored,
            ),
          ),
        )
    },
  })
}

const passingOver = (names: ReadonlySet<string>): ProxyHandler<object> => ({
  get(params, name) {
    const value: unknown = Reflect.get(params, name)
    if (typeof name !== 'string' || value === undefined) return value
    if (names.has(name)) return undefined
    if (ofIdToken.has(name) && !asksForIdToken(params)) return undefined
    return value
  },
})

const asksForIdToken = (params: object): boolean =>
  'scope' in params &&
  typeof params.scope === 'string' &&
  params.scope.split(' ').includes('openid')
