import {
  constants,
  createPublicKey,
  hash,
  type KeyObject,
  verify,
  type webcrypto,
} from 'node:crypto'

/** What proofs may be signed with (RFC 9449 section 4.3, item 6): asymmetric, and strong enough for years. */
export const proofAlgorithms = ['ES256', 'ES384', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const
export type ProofAlgorithm = (typeof proofAlgorithms)[number]

/** The public key of a proof, reduced to what its thumbprint is made of (RFC 7638 section 3.2). */
export type ProofKey = {
  jwk: Readonly<Record<string, string>>
  /** SHA-256 of it, base64url: the `jkt` that an access token is bound to */
  thumbprint: string
}

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'] as const
const rsaBytes = { least: 256, most: 512 }

/** @returns undefined for a key that is private, weak, of another kind than the algorithm, or spelled in another way */
export function readProofKey(
  jwk: Record<string, unknown>,
  alg: ProofAlgorithm,
): ProofKey | undefined {
  if (privateMembers.some((member) => Object.hasOwn(jwk, member))) return undefined
  if (jwk.alg !== undefined && jwk.alg !== alg) return undefined
  if (jwk.use !== undefined && jwk.use !== 'sig') return undefined
  const members = requiredMembers(jwk, alg)
  if (members === undefined) return undefined
  // The members are in the order of their names, and none of their values needs an escape.
  const thumbprint = hash('sha256', JSON.stringify(members), 'base64url')
  return { jwk: members, thumbprint }
}

function requiredMembers(
  { kty, crv, x, y, n, e }: Record<string, unknown>,
  alg: ProofAlgorithm,
): Record<string, string> | undefined {
  switch (alg) {
    case 'ES256':
      return kty === 'EC' && crv === 'P-256' && isOf(x, 32) && isOf(y, 32)
        ? { crv, kty, x, y }
        : undefined
    case 'ES384':
      return kty === 'EC' && crv === 'P-384' && isOf(x, 48) && isOf(y, 48)
        ? { crv, kty, x, y }
        : undefined
    case 'EdDSA':
    case 'Ed25519':
      return kty === 'OKP' && crv === 'Ed25519' && isOf(x, 32) ? { crv, kty, x } : undefined
    case 'PS256':
    case 'RS256':
      return kty === 'RSA' && isModulus(n) && isExponent(e) ? { e, kty, n } : undefined
  }
}

const base64url = /^[A-Za-z0-9_-]+$/

function bytesOf(value: unknown): Buffer | undefined {
  if (typeof value !== 'string' || value.length > 1_024 || !base64url.test(value)) return undefined
  const bytes = Buffer.from(value, 'base64url')
  return bytes.toString('base64url') === value ? bytes : undefined
}

const isOf = (value: unknown, length: number): value is string => bytesOf(value)?.length === length

function isModulus(value: unknown): value is string {
  const bytes = bytesOf(value)
  if (bytes === undefined || bytes.length < rsaBytes.least || bytes.length > rsaBytes.most)
    return false
  const [first = 0] = bytes
  return bytes.length === rsaBytes.least ? first >= 0x80 : first > 0
}

/** Odd, from 65537 and below 2^32: a smaller one is weak with PKCS #1 v1.5, a larger one makes each check expensive. */
function isExponent(value: unknown): value is string {
  const bytes = bytesOf(value)
  if (bytes === undefined || bytes.length < 3 || bytes.length > 4 || bytes[0] === 0) return false
  const exponent = bytes.readUIntBE(0, bytes.length)
  return exponent >= 65_537 && exponent % 2 === 1
}

const mostKept = 2_000

/** Verifies signatures of proofs in the thread pool; parsed keys are kept, because a client signs with one key. */
export class ProofSignatures {
  #young = new Map<string, KeyObject>()
  #old = new Map<string, KeyObject>()

  verify(
    proof: { alg: ProofAlgorithm; key: ProofKey; signed: string; signature: string },
    done: (valid: boolean) => void,
  ): void {
    const key = this.#keyOf(proof.key)
    if (key === undefined) {
      done(false)
      return
    }
    const signed = Buffer.from(proof.signed, 'latin1')
    const signature = Buffer.from(proof.signature, 'base64url')
    const finish = (error: Error | null, valid: boolean): void => done(error === null && valid)
    switch (proof.alg) {
      case 'ES256':
        verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature, finish)
        return
      case 'ES384':
        verify('sha384', signed, { key, dsaEncoding: 'ieee-p1363' }, signature, finish)
        return
      case 'EdDSA':
      case 'Ed25519':
        verify(null, signed, key, signature, finish)
        return
      case 'PS256': {
        const padding = constants.RSA_PKCS1_PSS_PADDING
        verify('sha256', signed, { key, padding, saltLength: 32 }, signature, finish)
        return
      }
      case 'RS256':
        verify('sha256', signed, key, signature, finish)
        return
    }
  }

  #keyOf({ jwk, thumbprint }: ProofKey): KeyObject | undefined {
    const young = this.#young.get(thumbprint)
    if (young !== undefined) return young
    let key = this.#old.get(thumbprint)
    try {
      key ??= createPublicKey({ key: jwk as webcrypto.JsonWebKey, format: 'jwk' })
    } catch {
      // Not a point of its curve.
      return undefined
    }
    if (this.#young.size >= mostKept) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(thumbprint, key)
    return key
  }
}
