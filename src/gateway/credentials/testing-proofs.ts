import { constants, generateKeyPairSync, hash, randomUUID, sign } from 'node:crypto'
import type { JWK } from 'jose'
import type { ProofAlgorithm } from './dpop-key.ts'

function newKeys(alg: ProofAlgorithm) {
  switch (alg) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ES384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'EdDSA':
    case 'Ed25519':
      return generateKeyPairSync('ed25519')
    case 'PS256':
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2_048 })
  }
}

/**
 * A client's key, and DPoP proofs that it signs; claims and header members may be overwritten.
 * @public
 */
export function testProofKey(alg: ProofAlgorithm = 'ES256'): {
  jwk: JWK
  proof(claims?: Record<string, unknown>, header?: Record<string, unknown>): string
} {
  const { publicKey, privateKey } = newKeys(alg)
  const jwk = publicKey.export({ format: 'jwk' }) as JWK
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    jwk,
    proof(claims = {}, header = {}) {
      const head = encode({ typ: 'dpop+jwt', alg, jwk, ...header })
      const iat = Math.floor(Date.now() / 1_000)
      const body = encode({ jti: randomUUID(), htm: 'POST', iat, ...claims })
      const signed = Buffer.from(`${head}.${body}`)
      const digest = alg === 'ES384' ? 'sha384' : alg.startsWith('Ed') ? null : 'sha256'
      const padding = constants.RSA_PKCS1_PSS_PADDING
      const signature = sign(digest, signed, {
        key: privateKey,
        ...(alg.startsWith('ES') ? { dsaEncoding: 'ieee-p1363' as const } : {}),
        ...(alg === 'PS256' ? { padding, saltLength: 32 } : {}),
      })
      return `${signed}.${signature.toString('base64url')}`
    },
  }
}

/**
 * The `ath` of an access token.
 * @public
 */
export const hashOf = (token: string): string => hash('sha256', token, 'base64url')
