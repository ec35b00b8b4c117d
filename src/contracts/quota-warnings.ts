import type { Kysely, Transaction } from 'kysely'
import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { QuotaWarning } from './schema.ts'
import type { ContractTables } from './tables.ts'

const Warned = Type.Object({
  contractId: Type.String(),
  period: Type.String(),
  percent: Type.Integer(),
  limit: Type.Integer(),
  at: Type.String(),
})
/** so many days are days, and so many months too */
const mostShown = 4

/** Keeps what `quota.warned` tells. Told twice, it is one warning. */
export async function keepQuotaWarning(
  trx: Transaction<ContractTables>,
  payload: unknown,
): Promise<void> {
  const { contractId, period, percent, limit, at }: Type.Static<typeof Warned> = Value.Parse(
    Warned,
    payload,
  )
  await trx
    .insertInto('contracts.quota_warning')
    .values({ contract_id: contractId, period, percent, quota: limit, at: new Date(at) })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const old = new Date(Date.parse(at) - 400 * 86_400_000)
  await trx
    .deleteFrom('contracts.quota_warning')
    .where('contract_id', '=', contractId)
    .where('at', '<', old)
    .execute()
}

/** The last warnings of each of these contracts, newest first. */
export async function quotaWarnings(
  db: Kysely<ContractTables>,
  contractIds: readonly string[],
): Promise<Map<string, QuotaWarning[]>> {
  const warnings = new Map<string, QuotaWarning[]>()
  if (contractIds.length === 0) return warnings
  const rows = await db
    .selectFrom('contracts.quota_warning')
    .selectAll()
    .where('contract_id', 'in', [...contractIds])
    .orderBy('at', 'desc')
    .orderBy('percent', 'desc')
    .limit(1_000)
    .execute()
  for (const { contract_id, period, percent, quota, at } of rows) {
    const known = warnings.get(contract_id) ?? []
    if (known.length < mostShown) known.push({ period, percent, quota, at: at.toISOString() })
    warnings.set(contract_id, known)
  }
  return warnings
}
