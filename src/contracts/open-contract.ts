import { type Actor, recordAction } from '#audit'
import { AppError, invalidArgument, type Violation } from '#platform/app-error'
import { acceptancesOf, currentAgreement, findAgreement } from './agreement-store.ts'
import { memberOf } from './authority.ts'
import { contractChanged } from './change-events.ts'
import { ensurePrices } from './follow-catalog.ts'
import type { Contracting } from './needs.ts'
import { findPlan } from './price-store.ts'
import type { NewContract } from './schema.ts'
import { insertContract } from './store.ts'
import type { AgreementRow, ContractRow, PlanRow } from './tables.ts'
import { isTimeZone } from './time-zone.ts'

/**
 * Opens a partner's production contract.
 * @throws AppError INVALID_ARGUMENT with every fault; INCOMPATIBLE_STATE naming everything that is still missing;
 *   ALREADY_EXISTS when the partner has one
 */
export async function openContract(
  contracting: Contracting,
  actor: Actor,
  input: NewContract,
): Promise<ContractRow> {
  const owner = memberOf(actor)
  const { plan, agreement, timeZone } = await check(contracting, input)
  await refuseUnready(contracting, owner.partnerId, plan, agreement)
  const contract: ContractRow = {
    id: contracting.newId('contract'),
    partner_id: owner.partnerId,
    environment: 'production',
    plan_id: plan.id,
    agreement_id: agreement.id,
    state: 'active',
    suspended_reason: null,
    suspended_at: null,
    time_zone: timeZone,
    starts_at: contracting.clock.now(),
    ended_at: null,
    limits: null,
    masks: [],
  }
  await contracting.db.transaction().execute(async (trx) => {
    await ensurePrices(contracting, trx)
    if (!(await insertContract(trx, contract))) {
      throw new AppError('ALREADY_EXISTS', 'Your organisation has a production contract.')
    }
    await contractChanged(contracting, trx, contract)
    await recordAction(contracting.outbox, trx, {
      actor: owner,
      action: 'contract.opened',
      target: contract.id,
      detail: {
        environment: 'production',
        plan: plan.id,
        agreement: agreement.id,
        sha256: agreement.sha256,
        timeZone,
      },
    })
  })
  return contract
}

async function check(
  { db }: Contracting,
  input: NewContract,
): Promise<{ plan: PlanRow; agreement: AgreementRow; timeZone: string }> {
  const timeZone = input.timeZone ?? 'UTC'
  const [plan, agreement] = await Promise.all([
    findPlan(db, input.planId),
    findAgreement(db, input.agreementId),
  ])
  const violations: Violation[] = []
  if (plan === undefined) violations.push({ path: '/planId', message: 'is not a plan' })
  if (agreement === undefined)
    violations.push({ path: '/agreementId', message: 'is not an agreement' })
  if (!isTimeZone(timeZone))
    violations.push({
      path: '/timeZone',
      message: 'is not an IANA time zone such as Europe/Berlin',
    })
  if (plan === undefined || agreement === undefined || violations.length > 0)
    throw invalidArgument(violations)
  return { plan, agreement, timeZone }
}

async function refuseUnready(
  { db, identity }: Contracting,
  partnerId: string,
  plan: PlanRow,
  agreement: AgreementRow,
): Promise<void> {
  const [verified, acceptances, current] = await Promise.all([
    identity.hasVerifiedMember(partnerId),
    acceptancesOf(db, partnerId),
    currentAgreement(db, agreement.name),
  ])
  const missing: string[] = []
  if (!plan.self_service) missing.push(`the ${plan.name} plan is given by the operator: ask for it`)
  if (!verified) missing.push('the e-mail address of a member must be verified')
  if (current !== undefined && current.id !== agreement.id) {
    missing.push(
      `version ${agreement.version} of the agreement has been replaced by version ${current.version} (${current.id})`,
    )
  } else if (!acceptances.some((one) => one.agreement_id === agreement.id)) {
    missing.push(`the agreement ${agreement.id} must be accepted`)
  }
  if (missing.length > 0) {
    throw new AppError('INCOMPATIBLE_STATE', `Production is not open yet: ${missing.join('; ')}.`)
  }
}
