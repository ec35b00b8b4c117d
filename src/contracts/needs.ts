import type { Kysely, Transaction } from 'kysely'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import type { ContractMask } from './schema.ts'
import type { ContractTables } from './tables.ts'

/** What this module asks of the catalog. @public */
export type PublishedApi = {
  apiId: string
  scopes: readonly string[]
  /** own prices by plan name, decimal strings per billable call */
  prices: Readonly<Record<string, string>>
  /** names of the plans that offer it; an empty list is every plan */
  plans: readonly string[]
}

/** The questions that contracts asks of the modules before it. @public */
export type ContractNeeds = {
  catalog: {
    publishedApis(): Promise<readonly PublishedApi[]>
    /** For each mask, what the catalog has against it; undefined when it can be put on responses. */
    maskFaults(
      masks: readonly ContractMask[],
    ): Promise<readonly ({ at: 'apiId' | 'field'; message: string } | undefined)[]>
  }
  partners: {
    getApplication(
      id: string,
    ): Promise<{ id: string; partnerId: string; environment: Environment } | undefined>
    /** Keeps the application from being deleted until the caller's transaction ends. */
    holdApplication<T>(
      trx: Transaction<T>,
      id: string,
    ): Promise<{ id: string; partnerId: string; environment: Environment } | undefined>
    applicationsOf(
      partnerId: string,
    ): Promise<readonly { id: string; partnerId: string; environment: Environment }[]>
  }
  identity: { hasVerifiedMember(partnerId: string): Promise<boolean> }
}

/** What each use case works with. */
export type Contracting = Pick<Platform, 'outbox' | 'newId' | 'clock' | 'log'> &
  ContractNeeds & { db: Kysely<ContractTables>; currency: string }
