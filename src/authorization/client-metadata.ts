import { generateKeyPairSync, randomBytes } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { AssertionAlg, AssertionHeader } from './check-client-assertion.ts'
import type { Client } from './client-source.ts'
import type { ClientKey } from './token-state.ts'

type PublicKey = Readonly<Record<string, string>>

/**
 * oidc-provider binds one authentication method to a client. Here every client may use each of them, so its metadata
 * is made for the mechanism that the request presents; a request that presents two is refused before this.
 */
export function metadataForSecret(clientId: string): AdapterPayload {
  // The provider demands a secret of this method. It is never compared: compareClientSecret is ours.
  return {
    ...common(clientId),
    token_endpoint_auth_method: 'client_secret_basic',
    client_secret: '-',
  }
}

export function metadataForAssertion(
  clientId: string,
  header: AssertionHeader,
  candidates: readonly ClientKey[],
): AdapterPayload {
  const keys = candidates
    .map(({ jwk }) => usableKey(jwk, header))
    .filter((key) => key !== undefined)
  return {
    ...common(clientId),
    token_endpoint_auth_method: 'private_key_jwt',
    // With no key to try, a signature is checked all the same: an unknown client, or one without this key, takes as
    // long as a wrong signature and gets the same answer.
    jwks: { keys: keys.length > 0 ? keys : [decoy(header)] } as never,
  }
}

const common = (clientId: string): AdapterPayload => ({
  client_id: clientId,
  grant_types: ['client_credentials'],
  response_types: [],
  redirect_uris: [],
})

/** The registered keys that may have signed an assertion with this header. */
export const candidateKeys = (client: Client | undefined, header: AssertionHeader): ClientKey[] =>
  (client?.keys ?? []).filter(({ jwk }) => usableKey(jwk, header) !== undefined)

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
