import type { Kysely } from 'kysely'
import { listPasskeys } from './passkey-store.ts'
import { countRecoveryCodes } from './recovery-codes.ts'
import type { SecondFactorNeeded } from './schema.ts'
import type { IdentityTables } from './tables.ts'
import { findTotp } from './totp-store.ts'

/** Ways to go on after a password, the best first. */
export async function secondFactorsOf(
  db: Kysely<IdentityTables>,
  personId: string,
): Promise<SecondFactorNeeded['methods']> {
  const [passkeys, totp, codes] = await Promise.all([
    listPasskeys(db, personId),
    findTotp(db, personId),
    countRecoveryCodes(db, personId),
  ])
  return [
    ...(passkeys.length > 0 ? (['passkey'] as const) : []),
    ...(totp !== undefined ? (['totp'] as const) : []),
    ...(codes > 0 ? (['recovery-code'] as const) : []),
  ]
}
