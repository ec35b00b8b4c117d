import { createPublicKey } from 'node:crypto'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { AppError, invalidArgument } from '#platform/app-error'

const privateParts = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/**
 * A public key for `private_key_jwt`, reduced to what verification needs.
 * RSA from 2048 to 4096 bits with an odd exponent of 65537 to 2^32, or an EC key on P-256 (FAPI 2.0, section 5.4). A
 * larger modulus or exponent would make each verification expensive for us.
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
      refuseWeakRsa(jwk, asymmetricKeyDetails ?? {})
    } else if (asymmetricKeyType !== 'ec' || jwk.crv !== 'P-256') {
      throw fault('must be an RSA key, or an EC key on P-256')
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    throw fault('is not a valid public JWK')
  }
  if (input.use !== undefined && input.use !== 'sig')
    throw fault('is not for signatures: leave out use, or set it to sig')
  const kid = kidOf(input.kid) ?? (await calculateJwkThumbprint(jwk))
  return { ...jwk, kid, alg: algOf(jwk, input.alg), use: 'sig' }
}

/**
 * As its owner calls it, because that is what stands over its signatures: base64 with its `=`, names with `:` and `/`. What
 * cannot be kept is refused and not renamed, which would make a key that nothing finds.
 */
function kidOf(kid: unknown): string | undefined {
  if (kid === undefined) return undefined
  if (typeof kid !== 'string' || !/^[^\p{Cc}\p{Cs}]{1,256}$/u.test(kid))
    throw fault('must have a kid of 1 to 256 characters without control characters, or none')
  return kid
}

function algOf({ kty }: JWK, alg: unknown): string {
  const algs = kty === 'EC' ? ['ES256'] : ['RS256', 'PS256']
  const [usual = ''] = algs
  const found = algs.find((one) => one === (alg ?? usual))
  if (found === undefined) throw fault(`must have the alg ${algs.join(' or ')}, or none`)
  return found
}

function refuseWeakRsa(
  jwk: JWK,
  { modulusLength = 0, publicExponent = 0n }: { modulusLength?: number; publicExponent?: bigint },
): void {
  if (modulusLength < 2048 || modulusLength > 4096) throw fault('must be RSA of 2048 to 4096 bits')
  if (publicExponent < 65_537n || publicExponent > 0xffff_ffffn || publicExponent % 2n === 0n)
    throw fault('must have an odd exponent from 65537, as usual 65537 itself')
  const modulus = BigInt(`0x${Buffer.from(jwk.n ?? '', 'base64url').toString('hex')}`)
  if (smallPrimes.some((prime) => modulus % BigInt(prime) === 0n))
    throw fault('has a modulus that anybody can factor')
  if (looksLikeRoca(modulus))
    throw fault('was made by hardware whose keys can be factored (ROCA, CVE-2017-15361)')
}

const smallPrimes = [
  2, 3, 5, 7, 11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
]

/** Such a modulus is a power of 65537 by each of these primes; another one is by chance once in 2^27. */
const rocaResidues = smallPrimes.slice(4).map((prime) => {
  const residues = new Set<bigint>()
  for (let power = 1; !residues.has(BigInt(power)); power = (power * (65_537 % prime)) % prime)
    residues.add(BigInt(power))
  return { prime: BigInt(prime), residues }
})

const looksLikeRoca = (modulus: bigint): boolean =>
  rocaResidues.every(({ prime, residues }) => residues.has(modulus % prime))

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
