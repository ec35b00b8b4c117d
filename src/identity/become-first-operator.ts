import { recordAction } from '#audit'
import { lockFor } from '#platform/database'
import { hasAccount } from './create-member.ts'
import { hashPassword } from './hash-password.ts'
import { consumeLink, deleteLinks, issueLink, peekLink } from './link-store.ts'
import type { Identifying } from './needs.ts'
import { passwordFaults } from './password-policy.ts'
import { linkNotValid, refuseFaults } from './refuse-faults.ts'
import type { FirstOperator } from './schema.ts'
import { actorOf, normalEmail } from './sign-in.ts'
import { type Account, hasFirstOperator, insertFirstOperator } from './store.ts'

const purpose = 'first-operator'
/** There is one such link, and it is about nobody in particular. */
const subject = 'installation'
const lockName = 'identity.first-operator'

/**
 * A link that makes whoever opens it the first operator; an earlier one ends.
 * @returns undefined once there is an operator
 */
export function firstOperatorLink(identifying: Identifying): Promise<string | undefined> {
  return identifying.db.transaction().execute(async (trx) => {
    await lockFor(trx, lockName)
    if (await hasFirstOperator(trx)) return undefined
    await deleteLinks(trx, purpose, subject)
    const token = await issueLink(identifying, trx, purpose, subject)
    return `${identifying.config.portal.url}/console/welcome?token=${token}`
  })
}

/**
 * The first operator, an administrator. Closed for ever once there is one.
 * @throws AppError INVALID_ARGUMENT when the link or the password is not good; ALREADY_EXISTS when the address has an
 *   account
 */
export async function becomeFirstOperator(
  identifying: Identifying,
  input: FirstOperator,
  ip: string,
): Promise<Account> {
  const { db, outbox, clock, newId, config } = identifying
  const email = normalEmail(input.email)
  await refuseFaults(identifying, {
    linkIsOpen: (await peekLink(identifying, db, purpose, input.token)) !== undefined,
    faults: passwordFaults(input.password, { email, organisation: config.operatorName }),
    ip,
  })
  const passwordHash = await hashPassword(input.password)
  return await db.transaction().execute(async (trx) => {
    await lockFor(trx, lockName)
    if (await hasFirstOperator(trx)) throw linkNotValid()
    if ((await consumeLink(identifying, trx, purpose, input.token)) === undefined) {
      throw linkNotValid()
    }
    const now = clock.now()
    const person = {
      id: newId('staff'),
      email,
      name: input.name.trim(),
      password_hash: passwordHash,
      // Who holds the machine may say whose address it is; nobody else can claim it then.
      email_verified_at: now,
      last_sign_in_at: now,
      created_at: now,
    }
    const role = 'administrator'
    if (!(await insertFirstOperator(trx, person, role))) throw hasAccount()
    const account: Account = {
      ...person,
      has_second_factor: false,
      kind: 'operator',
      partner_id: null,
      role,
    }
    await recordAction(outbox, trx, {
      actor: actorOf(account),
      action: 'operator.first-created',
      target: account.id,
      detail: { role },
    })
    return account
  })
}
