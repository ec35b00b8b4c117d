import type { Environment } from '#platform/config'
import type { DatabasePool } from '#platform/database'

/**
 * What one subscriber said to one application, as the feed of consents has it.
 * @public
 */
export type ConsentAnswer = {
  id: string
  purpose: string
  scopes: readonly string[]
  granted: boolean
  /** milliseconds since 1970; undefined: until it is withdrawn */
  expiresAtMs: number | undefined
}

/**
 * What subscribers said about 2-legged calls, in the one place that all gateways of an environment ask.
 * @public
 */
export interface ConsentRegister {
  /** @param purpose undefined: what was said about any purpose */
  answersOf(
    subject: string,
    applicationId: string,
    purpose: string | undefined,
  ): Promise<readonly ConsentAnswer[]>
}

type Row = {
  id: string
  purpose: string
  scopes: string[]
  granted: boolean
  expires_ms: number | null
}

const answerWithinMs = 1_000

/**
 * The register in PostgreSQL.
 * @param database with the role of this environment's gateway
 * @public
 */
export function createConsentRegister(
  database: DatabasePool,
  environment: Environment,
): ConsentRegister {
  const text = `select id, purpose, scopes, granted, expires_ms from snapshot.find_${environment}_consents($1, $2, $3)`
  return {
    async answersOf(subject, applicationId, purpose) {
      const values = [subject, applicationId, purpose ?? null]
      const query = { name: `${environment}-consents`, text, values }
      const { rows } = await inTime(database.pool.query<Row>(query))
      return rows.map(({ expires_ms, ...row }) => ({
        ...row,
        expiresAtMs: expires_ms ?? undefined,
      }))
    },
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error('the database did not answer in time')),
    answerWithinMs,
  )
  return await Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
