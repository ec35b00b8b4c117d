import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'
import { queryWithin } from '../payload/query-within.ts'
import type { LimitStore } from './limit-store.ts'
import { decodeAnswer, encodeQuestion, type WireAnswer } from './limit-wire.ts'

const usualAnswerWithinMs = 250

/**
 * The store in PostgreSQL: one function call a question, tables that are never written to the disk.
 * @param database with the role of this environment's gateway; one connection of it is in use at a time
 * @param options.answerWithinMs what comes later than that counts as no answer
 * @public
 */
export function postgresLimitStore(
  database: DatabasePool,
  environment: Environment,
  { answerWithinMs = usualAnswerWithinMs } = {},
): LimitStore {
  const name = `limit-${environment}`
  const text = `select gateway.limit_${environment}($1) as answer`
  const ask = async (question: string): Promise<WireAnswer | null> => {
    const query = { name, text, values: [question] }
    const { rows } = await queryWithin<{ answer: WireAnswer | null }>(
      database.pool,
      query,
      answerWithinMs,
    )
    return rows[0]?.answer ?? null
  }
  return {
    async ask(question) {
      // A member that is not known any more, or not for long enough, has to renew itself first.
      const answer =
        (await ask(encodeQuestion(question))) ??
        (await ask(encodeQuestion({ ...question, beat: true })))
      if (answer === null) throw new Error('the limit store gave no answer')
      return decodeAnswer(answer)
    },
    stop: async () => undefined,
  }
}
