import { createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { AppError, invalidArgument } from '#platform/app-error'

const privateParts = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * A public key for `private_key_jwt`, reduced to what verification needs.
 * RSA from 2048 bits with an odd exponent of 65537 or more, or an EC key on P-256 (FAPI 2.0, section 5.4).
 * @throws AppError INVALID_ARGUMENT; a private key is refused and must be treated as leaked
 */
export async function acceptPublicKey(
  input: Record<string, unknown>,
): Promise<JWK & { kid: string }> {
  if (privateParts.some((part) => part in input)) {
    throw invalidArgument([
      {
        path: '/jwk',
        message:
          'holds a private key. Treat it as leaked: make a new pair and send the public part only',
      },
    ])
  }
  const jwk = pickPublicParts(input)
  try {
    const { asymmetricKeyType, asymmetricKeyDetails } = createPublicKey({ key: jwk, format: 'jwk' })
    if (asymmetricKeyType === 'rsa') {
      if ((asymmetricKeyDetails?.modulusLength ?? 0) < 2048)
        throw fault('must be RSA of 2048 bits or more')
      if ((asymmetricKeyDetails?.publicExponent ?? 0n) < 65_537n)
        throw fault('must have the exponent 65537 or more')
    } else if (asymmetricKeyType !== 'ec' || jwk.crv !== 'P-256') {
      throw fault('must be an RSA key, or an EC key on P-256')
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw fault('is not a valid public JWK')
  }
  const kid =
    typeof input.kid === 'string' && /^[\w.~-]{1,128}$/.test(input.kid)
      ? input.kid
      : await calculateJwkThumbprint(jwk)
  const alg = jwk.kty === 'EC' ? 'ES256' : input.alg === 'PS256' ? 'PS256' : 'RS256'
  return { ...jwk, kid, alg, use: 'sig' }
}

const fault = (message: string): AppError => invalidArgument([{ path: '/jwk', message }])

function pickPublicParts(input: Record<string, unknown>): JWK & { kty: string } {
  const text = (name: string): string => {
    const value = input[name]
    if (typeof value !== 'string' || value.length > 2_000)
      throw fault(`must have the member ${name}`)
    return value
  }
  switch (input.kty) {
    case 'RSA':
      return { kty: 'RSA', n: text('n'), e: text('e') }
    case 'EC':
      return { kty: 'EC', crv: text('crv'), x: text('x'), y: text('y') }
    default:
      throw fault('must have the kty RSA or EC')
  }
}
