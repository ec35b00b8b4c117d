import type { Origin } from './limits.ts'
import { orderMail } from './mail-events.ts'
import type { Identifying } from './needs.ts'
import { normalEmail } from './sign-in.ts'

/** What the sealed address of an ordered mail is bound to. */
export const recoveryContext = 'identity.recovery'

/**
 * Orders a link for the address. It does the same for an address without an account, and says nothing when there were
 * too many for one address: neither tells whether somebody has an account.
 * @throws AppError TOO_MANY_REQUESTS when one machine asks for too many
 */
export async function requestRecovery(
  identifying: Identifying,
  typed: string,
  { ip, cookies }: Origin,
): Promise<void> {
  const { db, sealing, limiter, device } = identifying
  await limiter.byAddress('recoveryByAddress', ip)
  const email = normalEmail(typed)
  if (!(await limiter.isFree('recoveryByEmail', email))) return
  const personId = device.personOf(cookies)
  await db.transaction().execute((trx) =>
    orderMail(identifying, trx, {
      kind: 'recovery',
      sealedEmail: sealing.seal(email, recoveryContext),
      ...(personId !== undefined && { personId }),
    }),
  )
}
