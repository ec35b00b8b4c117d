import type { Platform } from '#platform/module'
import { scopesOf } from './store.ts'
import type { ContractTables } from './tables.ts'

/**
 * The one question that the authorization servers ask: which scopes an application's live subscriptions give it.
 * @public
 */
export interface ScopeSource {
  scopesOf(applicationId: string): Promise<string[]>
}

/** @public */
export function createScopeSource(platform: Pick<Platform, 'database'>): ScopeSource {
  const db = platform.database.as<ContractTables>()
  return { scopesOf: (applicationId) => scopesOf(db, applicationId) }
}
