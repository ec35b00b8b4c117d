import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import { jwtBearerGrant } from './check-bearer-assertion.ts'
import type { Client } from './client-source.ts'
import { endpointGrants } from './endpoint-grants.ts'
import type { AssertionAlg, AssertionHeader } from './signed-jwt.ts'
import type { ClientKey, TokenState } from './token-state.ts'

type PublicKey = Readonly<Record<string, string>>

/**
 * oidc-provider binds one authentication method to a client. Here every client may use each that its settings allow, so
 * its metadata is made for the mechanism that the request presents; a request that presents two is refused before this.
 * An unknown client gets metadata too, that nothing authenticates: it is refused like a wrong credential, in the same
 * time. Only at the authorization endpoint, where nobody authenticates, is it not there.
 */
export function metadataOf(
  clientId: string,
  state: TokenState,
  supported: readonly string[],
): AdapterPayload | undefined {
  const { client, assertion, bearer, requestObject, request } = state
  if (state.browser !== undefined && client === undefined) return undefined
  state.candidates = assertion === undefined ? [] : candidateKeys(client, assertion)
  const headers = [assertion, requestObject].filter((header) => header !== undefined)
  const keys = headers.flatMap((header) =>
    keysFor(client, header)
      .map(({ jwk }) => usableKey(jwk, header))
      .filter((key) => key !== undefined),
  )
  const decoys = headers.filter((header) => !keys.some((key) => key.alg === header.alg)).map(decoy)
  return {
    client_id: clientId,
    ...(client === undefined ? bare : settled(client, state, supported)),
    ...(bearer === undefined ? {} : { grant_types: [jwtBearerGrant] }),
    ...(bearer !== undefined
      ? // The grant itself verifies the assertion, for an unknown client, too.
        { token_endpoint_auth_method: 'none' }
      : authenticationOf(request.mechanism)),
    // With no key to try, a signature is checked all the same: an unknown client, or one without this key, takes as
    // long as a wrong signature and gets the same answer.
    ...(headers.length === 0 ? {} : { jwks: { keys: [...keys, ...decoys] } as never }),
  }
}

/** The provider demands a secret, and a name, of these methods. They are never compared: that is ours. */
function authenticationOf(mechanism: TokenState['request']['mechanism']): AdapterPayload {
  switch (mechanism) {
    case 'private_key_jwt':
      return { token_endpoint_auth_method: 'private_key_jwt' }
    case 'certificate':
      return { token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_san_dns: '-' }
    case 'client_secret_basic':
    case 'client_secret_post':
    case 'none':
      return { token_endpoint_auth_method: 'client_secret_basic', client_secret: '-' }
  }
}

const bare: AdapterPayload = {
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
}

/** What the application decided about its sign-in, as far as this server can do it. */
function settled(
  { settings }: Client,
  state: TokenState,
  supported: readonly string[],
): AdapterPayload {
  const grants = [...new Set(settings.grants.map(({ grantType }) => grantType as string))]
  const personal = grants.some((grant) => grant !== 'client_credentials')
  if (settings.refreshTokens && personal) grants.push('refresh_token')
  const types = grants.filter((grant) => supported.includes(grant))
  if (state.path in endpointGrants) types.push(endpointGrants[state.path] ?? '')
  const code = types.includes('authorization_code') && settings.redirectUris.length > 0
  const ciba = types.includes('urn:openid:params:grant-type:ciba')
  const bound = boundBy(settings, state.proofUri !== undefined)
  return {
    grant_types: types,
    response_types: code ? ['code'] : [],
    redirect_uris: code ? [...settings.redirectUris] : [],
    application_type: isNative(settings.redirectUris) ? 'native' : 'web',
    ...(ciba ? { backchannel_token_delivery_mode: 'poll' } : {}),
    ...(bound === 'dpop' ? { dpop_bound_access_tokens: true } : {}),
    ...(bound === 'certificate' ? { tls_client_certificate_bound_access_tokens: true } : {}),
    ...(code && (settings.requirePar || settings.profile === 'fapi2')
      ? { require_pushed_authorization_requests: true }
      : {}),
    ...(settings.requireSignedRequest ? { require_signed_request_object: true } : {}),
  }
}

/** Which binding a token must have: of two that are allowed, the one that the request brings. */
function boundBy(
  { senderConstraint, profile }: Client['settings'],
  proof: boolean,
): 'dpop' | 'certificate' | undefined {
  if (senderConstraint === 'dpop' || senderConstraint === 'certificate') return senderConstraint
  if (senderConstraint === 'none' && profile !== 'fapi2') return undefined
  return proof ? 'dpop' : 'certificate'
}

/** Only then may the port of a loopback address be another than the registered one (RFC 8252, section 7.3). */
function isNative(redirectUris: readonly string[]): boolean {
  const loopback = (uri: string): boolean =>
    /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?(\/|\?|$)/.test(uri)
  return (
    redirectUris.some((uri) => uri.startsWith('http:') && loopback(uri)) &&
    !redirectUris.some((uri) => uri.startsWith('https:') && loopback(uri))
  )
}

/** The registered keys that may have signed an assertion with this header. */
export const candidateKeys = (client: Client | undefined, header: AssertionHeader): ClientKey[] =>
  keysFor(client, header).filter(({ jwk }) => usableKey(jwk, header) !== undefined)

const keysFor = (client: Client | undefined, { alg }: AssertionHeader): readonly ClientKey[] =>
  client === undefined || !maySignWith(client, alg) ? [] : (client.keys ?? [])

/** FAPI 2.0 (Security Profile, section 5.4.1) signs with PS256 and elliptic curves: not with the padding of RS256. */
export const maySignWith = ({ settings }: Client, alg: unknown): boolean =>
  settings.profile !== 'fapi2' || alg !== 'RS256'

/**
 * The public part of a key, if it fits: the right type and size, not meant for another use, and the same `kid` when
 * the assertion names one. A key registered for PS256 is not weakened to RS256.
 */
export function usableKey(jwk: unknown, header: AssertionHeader): PublicKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const key = jwk as Readonly<Record<string, unknown>>
  if (key.use !== undefined && key.use !== 'sig') return undefined
  if (header.kid !== undefined && key.kid !== header.kid) return undefined
  const pick = (...names: string[]): PublicKey | undefined => {
    const parts = names.map((name) => [name, key[name]])
    if (!parts.every(([, value]) => typeof value === 'string' && value !== '')) return undefined
    return { ...Object.fromEntries(parts), ...kidOf(key), use: 'sig', alg: header.alg }
  }
  if (header.alg === 'ES256') {
    const fits = key.kty === 'EC' && key.crv === 'P-256' && (key.alg ?? 'ES256') === 'ES256'
    return fits ? pick('kty', 'crv', 'x', 'y') : undefined
  }
  const fits = key.kty === 'RSA' && algAllows(key.alg, header.alg) && isStrongRsa(key)
  return fits ? pick('kty', 'n', 'e') : undefined
}

const kidOf = (key: Readonly<Record<string, unknown>>): PublicKey =>
  typeof key.kid === 'string' && key.kid !== '' ? { kid: key.kid } : {}

const algAllows = (registered: unknown, used: AssertionAlg): boolean =>
  registered === undefined || registered === used || (registered === 'RS256' && used === 'PS256')

/** At least 2048 bits and a usual exponent; the verifying library accepts e = 1. */
function isStrongRsa({ n, e }: Readonly<Record<string, unknown>>): boolean {
  if (typeof n !== 'string' || typeof e !== 'string') return false
  const modulus = Buffer.from(n, 'base64url')
  const exponent = Buffer.from(e, 'base64url')
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
  if (modulus[0] === 0 || bits < 2_048 || bits > 8_192 || exponent.length > 6) return false
  const value = exponent.reduce((sum, byte) => sum * 256 + byte, 0)
  return value >= 65_537 && value % 2 === 1
}

const decoyEc = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
  format: 'jwk',
})
// Nobody knows the factors of a random number of this size; only the work of verifying matters.
const decoyModulus = randomBytes(256)
decoyModulus[0] = (decoyModulus[0] ?? 0) | 0x80
decoyModulus[255] = (decoyModulus[255] ?? 0) | 0x01
const decoyRsa = { kty: 'RSA', n: decoyModulus.toString('base64url'), e: 'AQAB' }

const decoy = (header: AssertionHeader): object => ({
  ...(header.alg === 'ES256' ? decoyEc : decoyRsa),
  ...(header.kid === undefined ? {} : { kid: header.kid }),
  use: 'sig',
  alg: header.alg,
})
