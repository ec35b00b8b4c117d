import type { Environment } from '#platform/config'
import type { Sealing } from '#platform/sealing'

/** What is stored of a client secret. It has 256 bits of entropy, so a keyed hash is enough (ASVS 6.5.2). */
export const secretHash = (sealing: Sealing, secret: string): string =>
  sealing.keyedHash('client-secret', secret)

/** What is stored of an API key: the hash that the gateways of its environment make, with the key that they hold. */
export const apiKeyHash = (sealing: Sealing, environment: Environment, key: string): string =>
  sealing.child(`gateway:${environment}`).keyedHash('api-key', key)
