import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'
import { queryWithin } from '../payload/query-within.ts'

/**
 * Where quotas are carved into leases, for all gateways of an environment together.
 * @public
 */
export interface QuotaLedger {
  /**
   * Asks for `amount` of what is left below `cap`, and takes nothing when that is less than `least`; a negative amount
   * gives back what was leased and not used.
   * @returns how much was granted, and how much of the quota is leased in all
   */
  lease(
    contractId: string,
    period: string,
    cap: number,
    amount: number,
    least: number,
  ): Promise<{ granted: number; used: number }>
}

const usualAnswerWithinMs = 1_000

/**
 * The ledger in PostgreSQL. A lease whose answer does not come in time counts as lost: less is admitted, never more.
 * While the last answer was a failure one question at a time is asked; the others fail at once.
 * @param database with the role of this environment's gateway
 * @param options.answerWithinMs what comes later than that counts as no answer
 * @public
 */
export function createQuotaLedger(
  database: DatabasePool,
  environment: Environment,
  { answerWithinMs = usualAnswerWithinMs } = {},
): QuotaLedger {
  const statement = {
    name: `take-${environment}-quota`,
    text: `select granted::float8 as granted, used::float8 as used from gateway.take_${environment}_quota($1, $2, $3, $4, $5)`,
  }
  let failing = false
  let probing = false
  return {
    async lease(contractId, period, cap, amount, least) {
      if (failing && probing) throw new Error('the quota ledger does not answer')
      probing = true
      try {
        const values = [contractId, period, cap, amount, least]
        const { rows } = await queryWithin<{ granted: number; used: number }>(
          database.pool,
          { ...statement, values },
          answerWithinMs,
        )
        const row = rows[0]
        if (row === undefined) throw new Error('the quota ledger gave no answer')
        failing = false
        return row
      } catch (error) {
        failing = true
        throw error
      } finally {
        probing = false
      }
    },
  }
}
