import {
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
} from 'node:crypto'
import { compactVerify, importJWK, type JWK } from 'jose'
import * as library from 'oidc-provider'
import Provider, {
  type Configuration,
  ExternalSigningKey,
  type KoaContextWithOIDC,
  type TokenEndpointGrantContext,
} from 'oidc-provider'
import { checkBinding } from './check-binding.ts'
import { bindingCertificate, provenByCertificate } from './client-certificates.ts'
import { usableKey } from './client-metadata.ts'
import type { Client, ClientSource } from './client-source.ts'
import { grantClientCredentialsScope } from './grants/client-credentials.ts'
import { partsOf } from './grants/parts.ts'
import { clientAuthenticationMethods } from './metadata-document.ts'
import { invalidClient, invalidTarget, OAuthError } from './oauth-error.ts'
import { requireOrderedGrant } from './ordered-grant.ts'
import { proofAlgs } from './proof-algs.ts'
import { providerAdapter } from './provider-adapter.ts'
import type { TokenRequest } from './read-token-request.ts'
import { decideReplays } from './replay.ts'
import { subscriberTokenSeconds, tokenLifetimeSeconds } from './rotate-keys.ts'
import { endpointUris } from './serve-client.ts'
import type { ServerOptions } from './server-options.ts'
import { assertionAlgs, clockSkewSeconds } from './signed-jwt.ts'
import type { PrivateJwk } from './signing-key.ts'
import { type SubscriberToken, subscriberClaims } from './token-claims.ts'
import { spendAll, stateOf, type TokenState } from './token-state.ts'
import { requireTwoLeggedBasis } from './two-legged-basis.ts'

/** One oidc-provider of one environment, signing with one key. A rotation makes a new one. */
export function createProvider(options: ServerOptions, signingKey: PrivateJwk): Provider {
  const { issuer, clients } = options
  const provider = new Provider(issuer, configuration(options, signingKey))
  const { Client, OIDCContext } = provider
  // The provider's own would follow the Host header of the request, and so accept an audience of the caller's choice.
  OIDCContext.prototype.urlFor = function (name, options) {
    // A proof was held against the addresses of its endpoint when it came: which of them it is for, is one more of ours.
    const proven = name === this.route ? stateOf(Provider.ctx?.req)?.proofUri : undefined
    return proven ?? provider.urlFor(name, options)
  }
  OIDCContext.prototype.clientJwtAuthExpectedAudience = () => {
    const path = stateOf(Provider.ctx?.req)?.path ?? '/token'
    return new Set([issuer, provider.urlFor('token'), ...endpointUris({ ...options, path })])
  }
  Client.prototype.compareClientSecret = (presented) => {
    const state = stateOf(Provider.ctx?.req)
    if (state === undefined) return false
    state.credentialId = matchingSecret(clients, state, presented)
    return state.credentialId !== undefined
  }
  decideReplays(provider, options)
  // The copy of a request that it gets names the public address; there is no proxy between.
  provider.proxy = true
  for (const part of partsOf(options)) part.register?.(provider, options)
  return provider
}

/** What every server has, and what its parts add. */
function configuration(options: ServerOptions, signingKey: PrivateJwk): Configuration {
  const whole = common(options, signingKey)
  for (const part of partsOf(options)) {
    const { features, ttl, ...rest } = part.configuration?.(options, library) ?? {}
    Object.assign(whole, rest)
    Object.assign(whole.features ?? {}, features)
    Object.assign(whole.ttl ?? {}, ttl)
  }
  return whole
}

function common(options: ServerOptions, signingKey: PrivateJwk): Configuration {
  return {
    adapter: providerAdapter(options),
    jwks: { keys: [new SynchronousKey(signingKey)] },
    // Only what is in use is on: each part brings its own of this list.
    features: {
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      resourceIndicators: resourceIndicators(options, signingKey.kid),
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      mTLS: mutualTls(options),
      pushedAuthorizationRequests: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    responseTypes: [],
    scopes: [],
    claims: {},
    clientDefaults: { grant_types: [], response_types: [], id_token_signed_response_alg: 'ES256' },
    // `none` is for bearer assertions, which their grant verifies; nobody else's metadata has it.
    clientAuthMethods: [...clientAuthenticationMethods, 'tls_client_auth', 'none'],
    enabledJWA: {
      clientAuthSigningAlgValues: [...assertionAlgs],
      requestObjectSigningAlgValues: [...assertionAlgs],
      dPoPSigningAlgValues: [...proofAlgs],
    },
    clockTolerance: clockSkewSeconds,
    ttl: { ClientCredentials: tokenLifetimeSeconds },
    fetchResponseBodyLimits: { jwks_uri: 65_536 },
    // Nothing here fetches: keys are registered, not linked.
    fetch: () => Promise.reject(new Error('the authorization server makes no requests')),
    clientBasedCORS: () => false,
    extraTokenClaims: (ctx, token) => claimsOf(options, ctx, token),
    assertJwtClientAuthClaimsAndHeader: async (ctx, { aud }) => {
      const state = stateOf(ctx.req)
      if (state !== undefined) {
        state.credentialId = await verifyingKey(state)
        state.checksAssertion = true
      }
      if (state?.credentialId === undefined) throw invalidClient('client authentication failed')
      // An endpoint's address may be one that somebody else named to the client (FAPI 2.0, section 5.3.2.1).
      if (state.client?.settings.profile === 'fapi2' && aud !== options.issuer)
        throw invalidClient(
          `the client assertion is not accepted: aud must be the issuer, ${options.issuer}, in the FAPI 2.0 profile`,
        )
      // Before its id is used up.
      await checkBinding(ctx as TokenEndpointGrantContext)
    },
    renderError: (ctx, out) => {
      ctx.type = 'json'
      ctx.body = out
    },
  }
}

/**
 * Signs in the same turn. One ES256 signature takes less than the way to a worker thread and back, which is how the
 * provider would sign (WebCrypto): a sixth of the processor time of a token.
 */
class SynchronousKey extends ExternalSigningKey {
  readonly #private: KeyObject
  readonly #public: KeyObject
  readonly #kid: string

  constructor(jwk: PrivateJwk) {
    super()
    this.#private = createPrivateKey({ key: jwk, format: 'jwk' })
    this.#public = createPublicKey(this.#private)
    this.#kid = jwk.kid
  }

  override get kid(): string {
    return this.#kid
  }

  override get alg(): string {
    return 'ES256'
  }

  override keyObject(): KeyObject {
    return this.#public
  }

  override sign(data: Uint8Array): Buffer {
    return sign('sha256', data, { key: this.#private, dsaEncoding: 'ieee-p1363' })
  }
}

type MutualTls = NonNullable<NonNullable<Configuration['features']>['mTLS']>

/**
 * Which method a certificate authenticates by (RFC 8705, sections 2.1 and 2.2) follows of how it was registered, and is not
 * the provider's to know: it is told of one, and asks.
 */
function mutualTls({ certificates, clock }: ServerOptions): MutualTls {
  const nowMs = (): number => clock.now().getTime()
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: false,
    tlsClientAuth: true,
    getCertificate: ({ req }) => {
      const state = stateOf(req)
      return state && bindingCertificate(certificates, state, nowMs())
    },
    certificateAuthorized: ({ req }) => {
      const state = stateOf(req)
      if (state === undefined) return false
      state.credentialId = provenByCertificate(certificates, state, nowMs())
      return state.credentialId !== undefined
    },
    certificateSubjectMatches: () => true,
  }
}

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>

/** Every token is for the gateway of its environment; a client need not say so, and may name nothing else (RFC 8707). */
function resourceIndicators(options: ServerOptions, kid: string): ResourceIndicators {
  const { audience } = options
  return {
    enabled: true,
    defaultResource: () => audience,
    getResourceServerInfo: async (ctx, resource) => {
      if (resource !== audience) throw invalidTarget(resource, audience)
      const client = stateOf(ctx.req)?.client
      if (client === undefined) throw new Error('a token is asked for without a client')
      const twoLegged = ctx.oidc.params?.grant_type === 'client_credentials'
      const granted = twoLegged
        ? await clientCredentialsScope(options, client, textOf(ctx.oidc.params?.scope))
        : subscriberScope(ctx)
      return {
        audience,
        scope: granted.join(' '),
        accessTokenTTL: twoLegged ? tokenLifetimeSeconds : subscriberTokenSeconds,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256', kid } },
      }
    },
    // A code or refresh token is for the gateway that it was asked for.
    useGrantedResource: () => true,
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

async function clientCredentialsScope(
  { environment, scopes: source, subscribers }: ServerOptions,
  client: Client,
  requested: string | undefined,
): Promise<string[]> {
  const granted = grantClientCredentialsScope(
    requested,
    await source.scopesOf(client.applicationId),
  )
  const purpose = granted.find((scope) => scope.startsWith('dpv:'))
  const named = granted.filter((scope) => scope !== purpose)
  requireOrderedGrant(client, 'client_credentials', purpose, named)
  if (subscribers?.basisOf !== undefined)
    await requireTwoLeggedBasis(environment, subscribers.basisOf, purpose, named)
  return granted
}

/** What was asked for: whether a subscriber's token may carry it is decided when the request comes and at each token. */
function subscriberScope({ oidc, req }: KoaContextWithOIDC): string[] {
  const { AuthorizationCode, RefreshToken, BackchannelAuthenticationRequest } = oidc.entities
  const source = AuthorizationCode ?? RefreshToken ?? BackchannelAuthenticationRequest
  const text = [textOf(oidc.params?.scope), source?.scope, stateOf(req)?.bearer?.scope].join(' ')
  return [...new Set(text.split(' '))].filter((scope) => scope !== '')
}

/** Of a token that is about to be signed: when these are there, nothing is left that could refuse it. */
async function claimsOf(
  options: ServerOptions,
  ctx: KoaContextWithOIDC,
  token: SubscriberToken & { kind: string },
): Promise<Record<string, unknown>> {
  const state = stateOf(ctx.req)
  if (state === undefined) throw new Error('a token is about to be made outside a request')
  const claims = {
    crd: provenCredential(ctx),
    ...(token.kind === 'AccessToken' ? await subscriberClaims(options, ctx, token) : {}),
  }
  // A client that has gone, or was told to come again, comes with the same code or refresh token.
  if (ctx.res.headersSent || ctx.req.socket.destroyed)
    throw new OAuthError(503, 'temporarily_unavailable', 'nobody waits for this token any more')
  await spendAll(state)
  return claims
}

function provenCredential(ctx: KoaContextWithOIDC): string {
  const id = stateOf(ctx.req)?.credentialId
  if (id === undefined) throw new Error('a token is about to be made without a proven credential')
  return id
}

/** What the settings allow; a profile that asks for keys takes no secret, whatever else they say. */
function mayUse({ settings }: Client, mechanism: TokenRequest['mechanism']): boolean {
  if (mechanism === 'none' || mechanism === 'certificate') return false
  if (settings.profile === 'fapi2' && mechanism.startsWith('client_secret')) return false
  return settings.authenticationMethods.includes(mechanism)
}

/** Every live secret is compared, in constant time, and for an unknown client one that nothing matches. */
function matchingSecret(
  clients: ClientSource,
  { client, request }: TokenState,
  presented: string,
): string | undefined {
  const actual = Buffer.from(clients.secretHash(presented))
  let match: string | undefined
  const allowed = client !== undefined && mayUse(client, request.mechanism)
  const secrets = (allowed ? client.secrets : undefined) ?? [
    { credentialId: '', hash: '-'.repeat(actual.length) },
  ]
  for (const { credentialId, hash } of secrets) {
    const expected = Buffer.from(hash)
    if (expected.length === actual.length && timingSafeEqual(expected, actual)) match = credentialId
  }
  return allowed ? match : undefined
}

/** The provider says that a key verified the assertion, not which: with several that fit, they are tried again. */
async function verifyingKey(state: TokenState): Promise<string | undefined> {
  const { candidates, assertion, client } = state
  if (client === undefined || assertion === undefined) return undefined
  if (!mayUse(client, 'private_key_jwt')) return undefined
  const [only, ...others] = candidates
  if (others.length === 0) return only?.credentialId
  const jws = state.request.parameters.get('client_assertion') ?? ''
  for (const { credentialId, jwk } of candidates) {
    const key = await importJWK(usableKey(jwk, assertion) as JWK, assertion.alg)
    const verified = await compactVerify(jws, key).catch(() => undefined)
    if (verified !== undefined) return credentialId
  }
  return undefined
}
