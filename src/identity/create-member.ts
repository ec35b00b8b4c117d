import type { Transaction } from 'kysely'
import { AppError, invalidArgument } from '#platform/app-error'
import { hashPassword, saltOfAddress } from './hash-password.ts'
import { registeredEvent } from './mail-events.ts'
import { insertMember } from './member-store.ts'
import type { Identifying } from './needs.ts'
import { passwordFaults } from './password-policy.ts'
import type { PartnerRole } from './schema.ts'
import { normalEmail } from './sign-in.ts'
import type { IdentityTables } from './tables.ts'

/** @public */
export type NewMemberInput = {
  memberId: string
  partnerId: string
  name: string
  email: string
  /** from `hashPassword`, computed before the transaction begins: it takes long */
  passwordHash: string
  role: PartnerRole
}

/** @throws AppError INVALID_ARGUMENT with everything that is wrong with the password */
export async function hashNewPassword(
  { sealing }: Pick<Identifying, 'sealing'>,
  input: { password: string; email: string; organisation?: string | undefined },
): Promise<string> {
  const faults = passwordFaults(input.password, input)
  if (faults.length > 0) throw invalidArgument(faults)
  return await hashPassword(input.password, saltOfAddress(sealing, normalEmail(input.email)))
}

/** For whoever has shown a link that was mailed to the address. */
export const hasAccount = (): AppError =>
  new AppError('ALREADY_EXISTS', 'This e-mail address has an account: sign in instead.')

/**
 * Creates a member in the caller's transaction and orders the mail that verifies its address. The same happens whether
 * or not the address has an account already: until it is confirmed, the member only claims it.
 */
export async function createMember(
  { outbox, clock }: Identifying,
  trx: Transaction<IdentityTables>,
  input: NewMemberInput,
): Promise<void> {
  const { memberId, partnerId, role } = input
  await insertMember(
    trx,
    {
      id: memberId,
      email: normalEmail(input.email),
      name: input.name.trim(),
      password_hash: input.passwordHash,
      email_verified_at: null,
      last_sign_in_at: null,
      created_at: clock.now(),
    },
    { partnerId, role },
  )
  await outbox.emit(trx, { type: registeredEvent, key: memberId, payload: { memberId, partnerId } })
}
