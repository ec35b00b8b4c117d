import type { Platform } from '#platform/module'
import type { ContractTables } from './tables.ts'

/** What a contract was at some time. @public */
export type ContractTerms = {
  plan: string
  since: string
  agreement?: { id: string; name: string; version: number; sha256: string }
}

/** The plan that a contract had at a time, and the agreement that it rests on. @public */
export async function contractTerms(
  { database }: Pick<Platform, 'database'>,
  contractId: string,
  at: Date,
): Promise<ContractTerms | undefined> {
  const db = database.as<ContractTables>()
  const contract = await db
    .selectFrom('contracts.contract as c')
    .leftJoin('contracts.agreement as a', 'a.id', 'c.agreement_id')
    .select(['c.plan_id', 'c.starts_at', 'a.id', 'a.name', 'a.version', 'a.sha256'])
    .where('c.id', '=', contractId)
    .executeTakeFirst()
  if (contract === undefined) return undefined
  const then = await db
    .selectFrom('contracts.contract_plan')
    .select('plan_id')
    .where('contract_id', '=', contractId)
    .where('from_at', '<=', at)
    .orderBy('from_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  const { id, name, version, sha256 } = contract
  return {
    plan: then?.plan_id ?? contract.plan_id,
    since: contract.starts_at.toISOString(),
    ...(id !== null && name !== null && version !== null && sha256 !== null
      ? { agreement: { id, name, version, sha256 } }
      : {}),
  }
}
