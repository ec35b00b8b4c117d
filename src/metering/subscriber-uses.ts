import { sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { retentionDays } from './check-records.ts'
import { daysBefore } from './utc-day.ts'

/** Calls of one application that were answered about a subscriber, on one basis. @public */
export type SubscriberUse = {
  partnerId: string
  applicationId: string
  /** `sim-swap/v2` */
  apiId: string
  /** `contract`, `legitimate-interest` or `consent` */
  basis: string
  /** `dpv:…`; undefined where the token named none */
  purpose: string | undefined
  consentIds: readonly string[]
  calls: number
  /** the last three, newest first */
  lastAt: readonly Date[]
}

/** What is told to a subscriber of the use of their data. @public */
export interface SubscriberUses {
  /**
   * Of the days whose calls are kept one by one, the newest few thousand calls, latest use first.
   * @param subject the subscriber's pseudonym, as `subjectOf` of `#consent` makes it
   */
  usesOf(environment: Environment, subject: string): Promise<SubscriberUse[]>
}

const mostCalls = 5_000

type Row = {
  partner_id: string
  application_id: string
  api_id: string
  basis: string
  purpose: string | null
  consents: string[] | null
  calls: number
  last_at: Date[]
}

/** For the process that shows subscribers their own: it may ask for one of them at a time. @public */
export function createSubscriberUses({
  database,
  clock,
}: Pick<Platform, 'database' | 'clock'>): SubscriberUses {
  const db = database.as<unknown>()
  return {
    async usesOf(environment, subject) {
      const since = `${daysBefore(clock.now(), retentionDays)}T00:00:00Z`
      const { rows } = await sql<Row>`
        select partner_id, application_id, api_id, basis, purpose, consents, calls::int as calls, last_at
        from metering.uses_of_subject(${environment}, ${subject}, ${since}::timestamptz, ${mostCalls}::int)
        order by last_at[1] desc, application_id, api_id`.execute(db)
      return rows.map((row) => ({
        partnerId: row.partner_id,
        applicationId: row.application_id,
        apiId: row.api_id,
        basis: row.basis,
        purpose: row.purpose ?? undefined,
        consentIds: row.consents ?? [],
        calls: row.calls,
        lastAt: row.last_at,
      }))
    },
  }
}
