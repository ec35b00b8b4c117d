import type { Actor } from '#audit'
import { recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import {
  acceptancesOf,
  currentAgreement,
  findAgreement,
  insertAcceptance,
} from './agreement-store.ts'
import { memberOf } from './authority.ts'
import type { Contracting } from './needs.ts'
import type { AcceptanceRow } from './tables.ts'

/**
 * Binds a partner to the exact text of an agreement. What is written is never changed; the same person accepting the
 * same text again gets the first evidence back.
 */
export async function acceptAgreement(
  { db, outbox, clock }: Contracting,
  input: {
    actor: Actor
    agreementId: string
    /** of the text that was shown, when the client says so */
    sha256: string | undefined
    ip: string
    userAgent: string
  },
): Promise<{ acceptance: AcceptanceRow; created: boolean }> {
  const owner = memberOf(input.actor)
  return await db.transaction().execute(async (trx) => {
    const agreement = await findAgreement(trx, input.agreementId)
    if (agreement === undefined) throw new AppError('NOT_FOUND', 'There is no such agreement.')
    if (input.sha256 !== undefined && input.sha256 !== agreement.sha256) {
      throw new AppError('CONFLICT', 'This is not the hash of the text: read the agreement again.')
    }
    const earlier = async (): Promise<AcceptanceRow | undefined> =>
      (await acceptancesOf(trx, owner.partnerId)).find(
        (one) => one.agreement_id === agreement.id && one.member_id === owner.id,
      )
    const accepted = await earlier()
    if (accepted !== undefined) return { acceptance: accepted, created: false }
    const current = await currentAgreement(trx, agreement.name)
    if (current !== undefined && current.id !== agreement.id) {
      throw new AppError(
        'INCOMPATIBLE_STATE',
        `Version ${agreement.version} has been replaced: accept version ${current.version} (${current.id}).`,
      )
    }
    const acceptance: AcceptanceRow = {
      agreement_id: agreement.id,
      partner_id: owner.partnerId,
      member_id: owner.id,
      member_name: owner.name,
      sha256: agreement.sha256,
      ip: input.ip,
      user_agent: input.userAgent,
      accepted_at: clock.now(),
    }
    if (!(await insertAcceptance(trx, acceptance))) {
      // The same person accepted it in another request at the same moment: that evidence is the first.
      const first = await earlier()
      if (first === undefined) throw new Error('an acceptance that is in the way cannot be read')
      return { acceptance: first, created: false }
    }
    await recordAction(outbox, trx, {
      actor: owner,
      action: 'agreement.accepted',
      target: agreement.id,
      detail: { version: agreement.version, sha256: agreement.sha256 },
    })
    return { acceptance, created: true }
  })
}
