import { hash } from 'node:crypto'
import type { Configuration } from 'openid-client'
import type { Clock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createEgress, type Egress } from '#platform/egress'
import { discoverProvider } from './discover-provider.ts'
import { type IdentityProvider, operatorOwner } from './identity-provider.ts'
import { checkClaims, type ProvidedClaims, readClaims } from './provided-claims.ts'
import { ProviderError, told } from './provider-error.ts'

/**
 * OpenID Connect with a provider that others run: the code flow with state, nonce and PKCE, its answer in the query. The
 * protocol is openid-client's; what it reads comes through guarded requests, which follow no redirects, read 64 KiB and
 * call no private address.
 */
export interface SsoProtocol {
  /**
   * Where the browser is sent to.
   * @throws ProviderError when the provider cannot be asked, or is none
   */
  begin(provider: IdentityProvider, visit: VisitSecrets & BeginOptions): Promise<URL>
  /**
   * Checks what the browser brought back, redeems it and checks the ID token.
   * @throws ProviderError
   */
  complete(
    provider: IdentityProvider,
    query: URLSearchParams,
    visit: VisitSecrets & { mustProve: boolean },
  ): Promise<ProvidedClaims>
  /** @throws ProviderError when nothing answers at the issuer that can be signed in with */
  probe(provider: IdentityProvider): Promise<void>
  redirectUri(owner: string): string
}

export type VisitSecrets = { state: string; nonce: string; verifier: string }
type BeginOptions = { email: string | undefined; mustProve: boolean }

const metadataMs = 5 * 60_000
const mostProviders = 200
/** For somebody who proves to be there, it was just now. */
const proofAgeSeconds = 60

type Needs = { config: Config; clock: Clock }

export function createSsoProtocol({ config, clock }: Needs): SsoProtocol {
  const egressOf = (provider: IdentityProvider): Egress =>
    createEgress({
      networks: [
        ...config.egressNetworks,
        ...(provider.owner === operatorOwner ? (config.sso?.networks ?? []) : []),
      ],
    })
  const known = new Map<string, { at: number; configuration: Promise<Configuration> }>()
  const configurationOf = async (provider: IdentityProvider): Promise<Configuration> => {
    const key = keyOf(provider)
    const now = clock.now().getTime()
    const found = known.get(key)
    if (found !== undefined && now - found.at < metadataMs) return await found.configuration
    const configuration = discoverProvider(provider, egressOf(provider))
    known.delete(key)
    known.set(key, { at: now, configuration })
    for (const old of [...known.keys()].slice(0, -mostProviders)) known.delete(old)
    configuration.catch(() => known.delete(key))
    return await configuration
  }
  const redirectUri = (owner: string): string =>
    `${config.portal.url}/management/v1/session/sso/${owner}/callback`
  return {
    redirectUri,
    probe: async (provider) => {
      known.delete(keyOf(provider))
      await told(configurationOf(provider))
    },
    begin: (provider, visit) =>
      told(
        (async () => {
          const client = await import('openid-client')
          return client.buildAuthorizationUrl(await configurationOf(provider), {
            redirect_uri: redirectUri(provider.owner),
            response_type: 'code',
            scope: 'openid email profile',
            state: visit.state,
            nonce: visit.nonce,
            code_challenge: await client.calculatePKCECodeChallenge(visit.verifier),
            code_challenge_method: 'S256',
            ...(provider.acrValues.length > 0 && { acr_values: provider.acrValues.join(' ') }),
            ...(visit.email !== undefined && { login_hint: visit.email }),
            ...(visit.mustProve && { prompt: 'login', max_age: '0' }),
          })
        })(),
      ),
    complete: (provider, query, visit) =>
      told(
        (async () => {
          const client = await import('openid-client')
          const configuration = await configurationOf(provider)
          const url = new URL(redirectUri(provider.owner))
          url.search = query.toString()
          const tokens = await client.authorizationCodeGrant(configuration, url, {
            pkceCodeVerifier: visit.verifier,
            expectedState: visit.state,
            expectedNonce: visit.nonce,
            idTokenExpected: true,
            ...(visit.mustProve && { maxAge: proofAgeSeconds }),
          })
          const claims = tokens.claims()
          if (claims === undefined) throw new ProviderError('it sent no ID token')
          checkClaims(provider, claims, clock.now())
          const email =
            claims.email === undefined &&
            configuration.serverMetadata().userinfo_endpoint !== undefined
              ? await client.fetchUserInfo(configuration, tokens.access_token, claims.sub)
              : {}
          return {
            ...readClaims(provider, { ...email, ...claims }),
            signOutUrl: signOutUrl(client, configuration, config.portal.url),
          }
        })(),
      ),
  }
}

/** All that a configuration is made of. */
const keyOf = ({ owner, issuer, clientId, clientSecret }: IdentityProvider): string =>
  hash('sha256', JSON.stringify([owner, issuer, clientId, clientSecret]))

function signOutUrl(
  client: typeof import('openid-client'),
  configuration: Configuration,
  portalUrl: string,
): string | undefined {
  const end = URL.parse(configuration.serverMetadata().end_session_endpoint ?? '')
  if (end === null || !/^https?:$/.test(end.protocol) || end.href.length > 1_000) return undefined
  return client.buildEndSessionUrl(configuration, {
    post_logout_redirect_uri: `${portalUrl}/`,
  }).href
}
