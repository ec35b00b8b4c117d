import { AppError } from '#platform/app-error'
import { owesSecondFactor } from './factor-rules.ts'
import type { Identifying } from './needs.ts'
import { listPasskeys, renamePasskey } from './passkey-store.ts'
import { countRecoveryCodes } from './recovery-codes.ts'
import type { Factors, Passkey } from './schema.ts'
import { findAccount } from './store.ts'
import type { PasskeyRow } from './tables.ts'
import { findTotp } from './totp-store.ts'

export const presentPasskey = (row: PasskeyRow): Passkey => ({
  id: row.id,
  name: row.name,
  synced: row.synced,
  createdAt: row.created_at.toISOString(),
  ...(row.last_used_at !== null && { lastUsedAt: row.last_used_at.toISOString() }),
})

/** What a person has to prove itself by, besides its password. */
export async function factorsOf(identifying: Identifying, personId: string): Promise<Factors> {
  const { db } = identifying
  const account = await findAccount(db, personId)
  if (account === undefined) throw new AppError('NOT_FOUND', 'There is no such person.')
  const [passkeys, totp, recoveryCodesLeft] = await Promise.all([
    listPasskeys(db, personId),
    findTotp(db, personId),
    countRecoveryCodes(db, personId),
  ])
  return {
    passkeys: passkeys.map(presentPasskey),
    ...(totp !== undefined && { totp: { createdAt: totp.created_at.toISOString() } }),
    recoveryCodesLeft,
    required: owesSecondFactor(identifying, account),
  }
}

/** @throws AppError NOT_FOUND */
export async function renameOwnPasskey(
  { db }: Identifying,
  personId: string,
  passkeyId: string,
  name: string,
): Promise<PasskeyRow> {
  const passkey = await renamePasskey(db, personId, passkeyId, name.trim())
  if (passkey === undefined) throw new AppError('NOT_FOUND', 'There is no such passkey.')
  return passkey
}
