import { sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'

const mostAtOnce = 200

type WarningRow = {
  environment: Environment
  contract_id: string
  period: string
  percent: number
  cap: number
  warned_at: Date
}

/**
 * Makes events of what gateways have noted of quotas: `quota.warned`, once for each contract, period and part (80 and
 * 100 %), whatever the number of gateways and of processes that call this.
 * @param platform of control
 * @returns how many there were
 * @public
 */
export async function tellQuotaWarnings({
  database,
  outbox,
}: Pick<Platform, 'database' | 'outbox'>): Promise<number> {
  return await database
    .as<unknown>()
    .transaction()
    .execute(async (trx) => {
      const { rows } = await sql<WarningRow>`
        update gateway.quota_warning as w set told_at = now()
        from (
          select environment, contract_id, period, percent from gateway.quota_warning
          where told_at is null order by warned_at limit ${mostAtOnce} for update skip locked
        ) as due
        where (w.environment, w.contract_id, w.period, w.percent)
          = (due.environment, due.contract_id, due.period, due.percent)
        returning w.environment, w.contract_id, w.period, w.percent, w.cap, w.warned_at`.execute(
        trx,
      )
      const inOrder = rows.toSorted((a, b) => a.percent - b.percent)
      for (const row of inOrder) {
        await outbox.emit(trx, {
          type: 'quota.warned',
          key: row.contract_id,
          payload: {
            contractId: row.contract_id,
            environment: row.environment,
            period: row.period,
            percent: row.percent,
            limit: row.cap,
            at: row.warned_at.toISOString(),
          },
        })
      }
      return rows.length
    })
}
