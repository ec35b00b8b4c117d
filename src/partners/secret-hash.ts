import type { Sealing } from '#platform/sealing'

/** What is stored of a client secret. It has 256 bits of entropy, so a keyed hash is enough (ASVS 6.5.2). */
export const secretHash = (sealing: Sealing, secret: string): string =>
  sealing.keyedHash('client-secret', secret)
