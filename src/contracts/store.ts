import { type Kysely, sql, type Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { Limits } from './limits.ts'
import type { ContractMask } from './schema.ts'
import type { ContractRow, ContractState, ContractTables, SubscriptionRow } from './tables.ts'

type Db = Kysely<ContractTables> | Transaction<ContractTables>
type Trx = Transaction<ContractTables>

/** @returns false when the partner has a living contract of this environment */
export async function insertContract(trx: Trx, contract: ContractRow): Promise<boolean> {
  // A new contract has the limits of its plan and masks nothing.
  const { limits: _limits, masks: _masks, ...row } = contract
  const result = await trx
    .insertInto('contracts.contract')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['partner_id', 'environment']).where('state', '<>', 'ended').doNothing(),
    )
    .executeTakeFirst()
  if ((result.numInsertedOrUpdatedRows ?? 0n) === 0n) return false
  await rememberPlan(trx, contract.id, contract.starts_at, contract.plan_id)
  return true
}

async function rememberPlan(trx: Trx, contractId: string, from: Date, planId: string) {
  await trx
    .insertInto('contracts.contract_plan')
    .values({ contract_id: contractId, from_at: from, plan_id: planId })
    .onConflict((c) => c.columns(['contract_id', 'from_at']).doUpdateSet({ plan_id: planId }))
    .execute()
}

export const findContract = (db: Db, id: string): Promise<ContractRow | undefined> =>
  db.selectFrom('contracts.contract').selectAll().where('id', '=', id).executeTakeFirst()

/** Held until the transaction ends, so that two changes of one contract cannot pass each other. */
export const lockContract = (trx: Trx, id: string): Promise<ContractRow | undefined> =>
  trx
    .selectFrom('contracts.contract')
    .selectAll()
    .where('id', '=', id)
    .forUpdate()
    .executeTakeFirst()

export const findLivingContract = (
  db: Db,
  partnerId: string,
  environment: Environment,
): Promise<ContractRow | undefined> =>
  db
    .selectFrom('contracts.contract')
    .selectAll()
    .where('partner_id', '=', partnerId)
    .where('environment', '=', environment)
    .where('state', '<>', 'ended')
    .executeTakeFirst()

export async function setContractState(
  trx: Trx,
  id: string,
  state: ContractState,
  at: { suspendedReason: string | null; suspendedAt: Date | null; endedAt: Date | null },
): Promise<void> {
  await trx
    .updateTable('contracts.contract')
    .set({
      state,
      suspended_reason: at.suspendedReason,
      suspended_at: at.suspendedAt,
      ended_at: at.endedAt,
    })
    .where('id', '=', id)
    .execute()
}

export async function setContractPlan(
  trx: Trx,
  id: string,
  planId: string,
  at: Date,
): Promise<void> {
  await trx
    .updateTable('contracts.contract')
    // What was agreed in the place of another plan's limits does not hold for this one.
    .set({ plan_id: planId, limits: null })
    .where('id', '=', id)
    .execute()
  await rememberPlan(trx, id, at, planId)
}

export async function setContractLimits(
  trx: Trx,
  id: string,
  limits: Limits | null,
): Promise<void> {
  await trx
    .updateTable('contracts.contract')
    .set({ limits: limits === null ? null : JSON.stringify(limits) })
    .where('id', '=', id)
    .execute()
}

export async function setContractMasks(
  trx: Trx,
  id: string,
  masks: readonly ContractMask[],
): Promise<void> {
  await trx
    .updateTable('contracts.contract')
    .set({ masks: JSON.stringify(masks) })
    .where('id', '=', id)
    .execute()
}

export type ContractFilter = {
  partnerId: string | undefined
  environment: Environment | undefined
  state: ContractState | undefined
}

/** Newest first. */
export async function listContracts(
  db: Db,
  filter: ContractFilter & { limit: number; offset: number },
): Promise<{ rows: ContractRow[]; total: number }> {
  const { partnerId, environment, state } = filter
  const contracts = db
    .selectFrom('contracts.contract')
    .$if(partnerId !== undefined, (query) => query.where('partner_id', '=', partnerId ?? ''))
    .$if(environment !== undefined, (query) =>
      query.where('environment', '=', environment ?? 'sandbox'),
    )
    .$if(state !== undefined, (query) => query.where('state', '=', state ?? 'active'))
  const [rows, count] = await Promise.all([
    contracts
      .selectAll()
      .orderBy('starts_at', 'desc')
      .orderBy('id', 'desc')
      .limit(filter.limit)
      .offset(filter.offset)
      .execute(),
    contracts.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: count.total }
}

/** The next living contracts after this id, for a read model that is built anew. */
export async function contractIds(
  db: Db,
  environment: Environment,
  after: string,
): Promise<string[]> {
  const rows = await db
    .selectFrom('contracts.contract')
    .select('id')
    .where('environment', '=', environment)
    .where('state', '<>', 'ended')
    .where('id', '>', after)
    .orderBy('id')
    .limit(1_000)
    .execute()
  return rows.map((row) => row.id)
}

/** @returns false when the application has a living subscription to this API */
export async function insertSubscription(
  trx: Trx,
  subscription: SubscriptionRow,
): Promise<boolean> {
  const result = await trx
    .insertInto('contracts.subscription')
    .values(subscription)
    .onConflict((conflict) =>
      conflict.columns(['application_id', 'api_id']).where('state', '<>', 'ended').doNothing(),
    )
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

export const findSubscription = (db: Db, id: string): Promise<SubscriptionRow | undefined> =>
  db.selectFrom('contracts.subscription').selectAll().where('id', '=', id).executeTakeFirst()

export type SubscriptionFilter = {
  partnerId: string | undefined
  applicationId: string | undefined
  contractId: string | undefined
  environment: Environment | undefined
}

/** Living ones, newest first. */
export async function listSubscriptions(
  db: Db,
  filter: SubscriptionFilter & { limit: number; offset: number },
): Promise<{ rows: SubscriptionRow[]; total: number }> {
  const { partnerId, applicationId, contractId, environment } = filter
  const subscriptions = db
    .selectFrom('contracts.subscription')
    .where('state', '<>', 'ended')
    .$if(partnerId !== undefined, (query) => query.where('partner_id', '=', partnerId ?? ''))
    .$if(applicationId !== undefined, (query) =>
      query.where('application_id', '=', applicationId ?? ''),
    )
    .$if(contractId !== undefined, (query) => query.where('contract_id', '=', contractId ?? ''))
    .$if(environment !== undefined, (query) =>
      query.where('environment', '=', environment ?? 'sandbox'),
    )
  const [rows, count] = await Promise.all([
    subscriptions
      .selectAll()
      .orderBy('created_at', 'desc')
      .orderBy('id', 'desc')
      .limit(filter.limit)
      .offset(filter.offset)
      .execute(),
    subscriptions.select((eb) => eb.fn.countAll<number>().as('total')).executeTakeFirstOrThrow(),
  ])
  return { rows, total: count.total }
}

/** The next living subscriptions after this id. */
export async function subscriptionIds(
  db: Db,
  environment: Environment,
  after: string,
): Promise<string[]> {
  const rows = await db
    .selectFrom('contracts.subscription')
    .select('id')
    .where('environment', '=', environment)
    .where('state', '<>', 'ended')
    .where('id', '>', after)
    .orderBy('id')
    .limit(1_000)
    .execute()
  return rows.map((row) => row.id)
}

/** @returns those that were ended now */
export const endSubscriptions = (
  trx: Trx,
  which: { id: string } | { applicationId: string } | { contractId: string },
  at: Date,
): Promise<SubscriptionRow[]> => {
  const [column, value] =
    'id' in which
      ? (['id', which.id] as const)
      : 'applicationId' in which
        ? (['application_id', which.applicationId] as const)
        : (['contract_id', which.contractId] as const)
  return trx
    .updateTable('contracts.subscription')
    .set({ state: 'ended', ended_at: at })
    .where(column, '=', value)
    .where('state', '<>', 'ended')
    .returningAll()
    .execute()
}

/**
 * The scopes of an application's live subscriptions under live contracts, in one indexed query: it is on the path of
 * each token.
 */
export async function scopesOf(db: Db, applicationId: string): Promise<string[]> {
  const { rows } = await scopesQuery(applicationId).execute(db)
  return rows.map((row) => row.scope)
}

export const scopesQuery = (applicationId: string) => sql<{ scope: string }>`
  select distinct scope.name as scope
  from contracts.subscription s
  join contracts.contract c on c.id = s.contract_id
  join contracts.published_api a on a.api_id = s.api_id or s.api_id = '*'
  cross join unnest(a.scopes) as scope (name)
  where s.application_id = ${applicationId} and s.state = 'active' and c.state = 'active'
  order by 1`
