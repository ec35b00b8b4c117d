import { type Actor, recordAction } from '#audit'
import { AppError } from '#platform/app-error'
import { maySee, memberOf } from './authority.ts'
import { subscriptionChanged } from './change-events.ts'
import type { Contracting } from './needs.ts'
import { findPlan, findPublished } from './price-store.ts'
import type { NewSubscription } from './schema.ts'
import {
  endSubscriptions,
  findLivingContract,
  findSubscription,
  insertSubscription,
  lockContract,
} from './store.ts'
import type { SubscriptionRow } from './tables.ts'

/** Lets a production application call one API under the partner's production contract. */
export async function subscribe(
  contracting: Contracting,
  actor: Actor,
  input: NewSubscription,
): Promise<SubscriptionRow> {
  const member = memberOf(actor)
  return await contracting.db.transaction().execute(async (trx) => {
    // Held, so that an application that is deleted meanwhile leaves no subscription behind.
    const application = await contracting.partners.holdApplication(trx, input.applicationId)
    if (application === undefined || application.partnerId !== member.partnerId)
      throw new AppError('NOT_FOUND', 'There is no such application.')
    if (application.environment !== 'production') {
      throw new AppError(
        'INCOMPATIBLE_STATE',
        'A sandbox application may call every published API: it needs no subscription.',
      )
    }
    const api = await findPublished(trx, input.apiId)
    if (api === undefined) throw new AppError('NOT_FOUND', 'There is no such API.')
    const living = await findLivingContract(trx, member.partnerId, 'production')
    // Under the lock, so that a contract that ends meanwhile leaves no subscription behind.
    const contract = living === undefined ? undefined : await lockContract(trx, living.id)
    if (contract === undefined || contract.state !== 'active') {
      throw new AppError(
        'INCOMPATIBLE_STATE',
        contract?.state === 'suspended'
          ? 'The production contract is suspended.'
          : 'There is no active production contract: open one first.',
      )
    }
    const plan = await findPlan(trx, contract.plan_id)
    if (plan === undefined || (api.plans.length > 0 && !api.plans.includes(plan.name))) {
      throw new AppError(
        'INCOMPATIBLE_STATE',
        `${input.apiId} is not offered in the plan of your contract, only in: ${api.plans.join(', ')}.`,
      )
    }
    const subscription: SubscriptionRow = {
      id: contracting.newId('subscription'),
      contract_id: contract.id,
      partner_id: member.partnerId,
      application_id: application.id,
      environment: 'production',
      api_id: input.apiId,
      state: 'active',
      created_at: contracting.clock.now(),
      ended_at: null,
    }
    if (!(await insertSubscription(trx, subscription)))
      throw new AppError('ALREADY_EXISTS', 'The application has a subscription to this API.')
    await subscriptionChanged(contracting, trx, subscription)
    await recordAction(contracting.outbox, trx, {
      actor: member,
      action: 'subscription.created',
      target: subscription.id,
      detail: { application: application.id, api: input.apiId, contract: contract.id },
    })
    return subscription
  })
}

/** Ends a production subscription. The sandbox's ends with its application. */
export async function unsubscribe(
  contracting: Contracting,
  actor: Actor,
  id: string,
): Promise<void> {
  const member = memberOf(actor)
  await contracting.db.transaction().execute(async (trx) => {
    const subscription = await findSubscription(trx, id)
    if (
      subscription === undefined ||
      subscription.state === 'ended' ||
      !maySee(member, subscription.partner_id)
    )
      throw noSuchSubscription()
    if (subscription.environment === 'sandbox') {
      throw new AppError(
        'INCOMPATIBLE_STATE',
        'The subscription of a sandbox application ends with the application.',
      )
    }
    const [ended] = await endSubscriptions(trx, { id }, contracting.clock.now())
    if (ended === undefined) throw noSuchSubscription()
    await subscriptionChanged(contracting, trx, ended)
    await recordAction(contracting.outbox, trx, {
      actor: member,
      action: 'subscription.ended',
      target: id,
      detail: { application: ended.application_id, api: ended.api_id },
    })
  })
}

export const noSuchSubscription = (): AppError =>
  new AppError('NOT_FOUND', 'There is no such subscription.')
