import type { Kysely, Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import type { ConsentTables } from './tables.ts'

/** @public */
export type LegalBasis = 'contract' | 'legitimate-interest' | 'consent' | 'not-allowed'

/** The questions that consent asks of the modules around it. @public */
export type ConsentNeeds = {
  catalog: {
    /** undefined: no published API has the scope */
    legalBasisOf(
      environment: Environment,
      scope: string,
      purpose: string,
    ): Promise<{ apiId: string; basis: LegalBasis; expiresAfterDays?: number } | undefined>
  }
  partners: {
    /** undefined for one that was deleted */
    getApplication(id: string): Promise<
      | {
          id: string
          name: string
          partnerId: string
          partnerName: string
          environment: Environment
        }
      | undefined
    >
  }
}

/** What each use case works with. */
export type Consenting = Pick<Platform, 'outbox' | 'newId' | 'clock' | 'log'> &
  ConsentNeeds & { db: Kysely<ConsentTables> }

export type Trx = Transaction<ConsentTables>
