import { type Kysely, sql, type Transaction } from 'kysely'
import type { ContractTables, PlanRow, PriceRow } from './tables.ts'

type Db = Kysely<ContractTables> | Transaction<ContractTables>

export const listPlans = (db: Db): Promise<PlanRow[]> =>
  db.selectFrom('contracts.plan').selectAll().orderBy('position').execute()

export const findPlan = (db: Db, id: string): Promise<PlanRow | undefined> =>
  db.selectFrom('contracts.plan').selectAll().where('id', '=', id).executeTakeFirst()

export const findPrice = (db: Db, id: string): Promise<PriceRow | undefined> =>
  db.selectFrom('contracts.price').selectAll().where('id', '=', id).executeTakeFirst()

/** The prices in force, of one plan or of all. */
export const pricesInForce = (db: Db, planId?: string): Promise<PriceRow[]> =>
  db
    .selectFrom('contracts.price_in_force as f')
    .innerJoin('contracts.price as p', 'p.id', 'f.price_id')
    .selectAll('p')
    .$if(planId !== undefined, (query) => query.where('f.plan_id', '=', planId ?? ''))
    .orderBy('p.plan_id')
    .orderBy('p.api_id')
    .execute()

/**
 * Brings a new price version into force, unless the present one says the same.
 * @returns whether something changed
 */
export async function putPriceInForce(db: Db, price: PriceRow): Promise<boolean> {
  const same = await sql`
    select 1 from contracts.price_in_force f join contracts.price p on p.id = f.price_id
    where f.plan_id = ${price.plan_id} and f.api_id = ${price.api_id}
      and p.unit = ${price.unit}::numeric and p.list = ${price.list}::numeric
      and p.currency = ${price.currency}`.execute(db)
  if (same.rows.length > 0) return false
  await db.insertInto('contracts.price').values(price).execute()
  await db
    .insertInto('contracts.price_in_force')
    .values({ plan_id: price.plan_id, api_id: price.api_id, price_id: price.id })
    .onConflict((conflict) =>
      conflict.columns(['plan_id', 'api_id']).doUpdateSet({ price_id: price.id }),
    )
    .execute()
  return true
}

/** From now on the price of `*` holds for this API. @returns whether something changed */
export async function endOwnPrice(db: Db, planId: string, apiId: string): Promise<boolean> {
  const result = await db
    .deleteFrom('contracts.price_in_force')
    .where('plan_id', '=', planId)
    .where('api_id', '=', apiId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export const listPublished = (
  db: Db,
): Promise<{ api_id: string; scopes: string[]; plans: string[] }[]> =>
  db.selectFrom('contracts.published_api').selectAll().orderBy('api_id').execute()

export const findPublished = (
  db: Db,
  apiId: string,
): Promise<{ api_id: string; scopes: string[]; plans: string[] } | undefined> =>
  db
    .selectFrom('contracts.published_api')
    .selectAll()
    .where('api_id', '=', apiId)
    .executeTakeFirst()

export async function putPublished(
  db: Db,
  api: { apiId: string; scopes: readonly string[]; plans: readonly string[] },
): Promise<void> {
  const row = { scopes: [...api.scopes], plans: [...api.plans] }
  await db
    .insertInto('contracts.published_api')
    .values({ api_id: api.apiId, ...row })
    .onConflict((conflict) => conflict.column('api_id').doUpdateSet(row))
    .execute()
}

export async function deletePublished(db: Db, apiId: string): Promise<void> {
  await db.deleteFrom('contracts.published_api').where('api_id', '=', apiId).execute()
}
