import { generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import type { Environment } from '#platform/config'
import type { Sealing } from '#platform/sealing'

/** A verification key as the JWKS shows it: an EC key on P-256 for ES256 (RFC 7517, section 4). @public */
export type PublicJwk = {
  kty: 'EC'
  crv: 'P-256'
  x: string
  y: string
  kid: string
  alg: 'ES256'
  use: 'sig'
}

export type PrivateJwk = PublicJwk & { d: string }

/** @returns a new pair; its `kid` is the RFC 7638 thumbprint, so that one kid can never name two keys */
export async function newSigningKey(): Promise<PrivateJwk> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { x, y, d } = privateKey.export({ format: 'jwk' })
  if (x === undefined || y === undefined || d === undefined) throw new Error('the key is no EC key')
  const kid = await calculateJwkThumbprint({ kty: 'EC', crv: 'P-256', x, y })
  return { kty: 'EC', crv: 'P-256', x, y, d, kid, alg: 'ES256', use: 'sig' }
}

export const publicPart = ({ d: _, ...jwk }: PrivateJwk): PublicJwk => jwk

// The context binds the sealed text to its row: a key copied into the other environment does not open.
export const sealContext = (environment: Environment, kid: string): string =>
  `authorization.signing_key.${environment}.${kid}`

export const sealKey = (sealing: Sealing, environment: Environment, key: PrivateJwk): string =>
  sealing.seal(JSON.stringify(key), sealContext(environment, key.kid))

/** @throws when the master key of this process is not the one that sealed it */
export function openKey(
  sealing: Sealing,
  environment: Environment,
  kid: string,
  sealed: string,
): PrivateJwk {
  try {
    return JSON.parse(sealing.open(sealed, sealContext(environment, kid))) as PrivateJwk
  } catch (cause) {
    throw new Error(
      `the ${environment} signing key ${kid} cannot be opened: the master key (WAYLEAVE_SECRET_KEY or data/secrets/master.key) is not the one that sealed it`,
      { cause },
    )
  }
}
