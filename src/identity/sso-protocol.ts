import { hash } from 'node:crypto'
import type { Configuration, CustomFetch, IDToken, ServerMetadata } from 'openid-client'
import type { Clock } from '#platform/clock'
import type { Config } from '#platform/config'
import { createEgress, type Egress } from '#platform/egress'
import { type IdentityProvider, operatorOwner } from './identity-provider.ts'

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

/** What a provider says of whoever signed in, checked and cut to what is used. */
export type ProvidedClaims = {
  subject: string
  /** lower case; only when the provider has verified it */
  email: string | undefined
  name: string | undefined
  /** of the claim that roles are read from */
  values: readonly string[]
  /** when the person last showed itself to the provider */
  provedAt: Date | undefined
  signOutUrl: string | undefined
}

/** What the provider did is not what was asked for; `message` is for the people who set it up. */
export class ProviderError extends Error {
  /** the person or the provider said no: nobody has to mend anything */
  readonly refused: boolean
  constructor(message: string, options: ErrorOptions & { refused?: boolean } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ProviderError'
    this.refused = options.refused ?? false
  }
}

/** Asymmetric only: a signature by what the token endpoint was asked with would prove nothing to anybody else. */
const signatureAlgorithms: readonly string[] = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
]

const metadataMs = 5 * 60_000
const mostProviders = 200
const answerMs = 8_000
/** of the clocks of two companies */
const skewSeconds = 60
/** An ID token is made for this sign-in, so it is new. */
const mostTokenAgeSeconds = 600
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
    const configuration = discover(provider, egressOf(provider))
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

/** @throws whatever went wrong */
async function discover(provider: IdentityProvider, egress: Egress): Promise<Configuration> {
  const client = await import('openid-client')
  const issuer = new URL(provider.issuer)
  const options = {
    [client.customFetch]: guardedFetch(egress),
    timeout: answerMs / 1_000,
    // By http only to this machine, which the guarded requests see to.
    ...(issuer.protocol === 'http:' && { execute: [client.allowInsecureRequests] }),
  }
  const found = await client.discovery(issuer, provider.clientId, undefined, undefined, options)
  const metadata = found.serverMetadata()
  if (metadata.issuer !== provider.issuer)
    throw new ProviderError(`it calls itself ${metadata.issuer}: set the issuer to just that`)
  const authorize = URL.parse(metadata.authorization_endpoint ?? '')
  if (authorize === null || authorize.protocol !== issuer.protocol)
    throw new ProviderError('its authorization_endpoint is no https address')
  const announced = metadata.id_token_signing_alg_values_supported ?? ['RS256']
  const algorithms = announced.filter((one) => signatureAlgorithms.includes(one))
  if (algorithms.length === 0)
    throw new ProviderError(`it signs with ${announced.join(', ')} only, which cannot be checked`)
  const methods = metadata.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
  const authentication = methods.includes('client_secret_basic')
    ? client.ClientSecretBasic(provider.clientSecret)
    : client.ClientSecretPost(provider.clientSecret)
  const configuration = new client.Configuration(
    serverWith(metadata, algorithms),
    provider.clientId,
    { [client.clockTolerance]: skewSeconds },
    authentication,
  )
  configuration[client.customFetch] = options[client.customFetch]
  configuration.timeout = options.timeout
  if (issuer.protocol === 'http:') client.allowInsecureRequests(configuration)
  // The signature is checked although the token came straight from the provider: TLS alone is no evidence.
  client.enableNonRepudiationChecks(configuration)
  return configuration
}

/** As it announced itself, but for signatures that are not accepted. */
const serverWith = (metadata: object, algorithms: string[]): ServerMetadata =>
  Object.assign(JSON.parse(JSON.stringify(metadata)) as ServerMetadata, {
    id_token_signing_alg_values_supported: algorithms,
  })

const guardedFetch =
  (egress: Egress): CustomFetch =>
  async (url, { method, headers, body }) => {
    const answer = await egress.fetchGuarded(url, {
      method: method === 'POST' ? 'POST' : 'GET',
      headers,
      deadlineMs: answerMs,
      ...(body !== null && body !== undefined && { body: String(body) }),
    })
    const fields = new Headers()
    for (const [name, value] of Object.entries(answer.headers))
      if (value !== undefined) fields.set(name, String(value))
    return new Response(answer.body.length === 0 ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: fields,
    })
  }

/** What openid-client leaves to whoever asks. @throws ProviderError */
function checkClaims(provider: IdentityProvider, claims: IDToken, now: Date): void {
  const age = now.getTime() / 1_000 - claims.iat
  if (age > mostTokenAgeSeconds || age < -skewSeconds)
    throw new ProviderError('its ID token was not issued just now: look at the clocks')
  if (!isText(claims.sub, 255)) throw new ProviderError('its subject (sub) is too long')
  const { acrValues } = provider
  const acr = isText(claims.acr, 255) ? claims.acr : undefined
  if (acrValues.length > 0 && (acr === undefined || !acrValues.includes(acr)))
    throw new ProviderError(
      `it signed the person in with ${acr === undefined ? 'no acr' : `the acr ${acr}`}, not with ${acrValues.join(' or ')}`,
    )
}

function readClaims(
  provider: IdentityProvider,
  claims: Record<string, unknown> & { sub: string },
): Omit<ProvidedClaims, 'signOutUrl'> {
  const { email, email_verified: verified, name, auth_time: authTime } = claims
  const values = provider.roleClaim === undefined ? [] : [claims[provider.roleClaim]].flat()
  return {
    subject: claims.sub,
    email:
      verified === true && isText(email, 254) && /^[^\s@]+@[^\s@]+$/.test(email)
        ? email.toLowerCase()
        : undefined,
    name: isText(name, 120) && name.trim() !== '' ? name.trim() : undefined,
    values: values.filter((value) => isText(value, 255)),
    provedAt: typeof authTime === 'number' ? new Date(authTime * 1_000) : undefined,
  }
}

/** Text that can be stored and shown. */
const isText = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' &&
  value.length > 0 &&
  value.length <= maxLength &&
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
  !/[\u0000-\u001f\u007f]/.test(value)

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

/** Whatever goes wrong with a provider is told in one way, with the reason for those who set it up. */
async function told<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ProviderError) throw error
    throw new ProviderError(reasonOf(error), { cause: error, refused: isRefusal(error) })
  }
}

const isRefusal = (error: unknown): boolean =>
  error instanceof Error && error.name === 'AuthorizationResponseError'

/** The innermost reason, which is the one that somebody can do something about. */
function reasonOf(error: unknown): string {
  let found = error
  for (let depth = 0; depth < 4; depth += 1) {
    if (!(found instanceof Error && found.cause instanceof Error)) break
    found = found.cause
  }
  return found instanceof Error ? found.message : String(found)
}
