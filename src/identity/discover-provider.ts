import type { Configuration, CustomFetch, ServerMetadata } from 'openid-client'
import type { Egress } from '#platform/egress'
import type { IdentityProvider } from './identity-provider.ts'
import { skewSeconds } from './provided-claims.ts'
import { ProviderError } from './provider-error.ts'

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

const answerMs = 8_000

/**
 * Asks a provider what it is, and settles how it is talked to: nothing that it announces weakens what is checked.
 * @throws whatever went wrong
 */
export async function discoverProvider(
  provider: IdentityProvider,
  egress: Egress,
): Promise<Configuration> {
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
