import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import type { ConsentBasis } from './entry.ts'
import { listServed } from './store.ts'
import type { CatalogTables } from './tables.ts'

/** @public */
export type BasisOfScope = {
  apiId: string
  /** `not-allowed`: the operator does not offer this scope for this purpose */
  basis: ConsentBasis | 'not-allowed'
  expiresAfterDays?: number
  maxTokens?: number
}

/** On which legal basis personal data may be asked for. @public */
export interface LegalBases {
  /**
   * The legal basis of a scope for a purpose (`dpv:…`), or for a request that names none. Where several versions of an
   * API have the scope, the strictest basis of those that allow the purpose.
   * @returns undefined when no published API has the scope
   */
  legalBasisOf(
    environment: Environment,
    scope: string,
    purpose?: string,
  ): Promise<BasisOfScope | undefined>
}

/**
 * Only the questions: without a checker, for processes that publish nothing.
 * @public
 */
export function createLegalBases(platform: Pick<Platform, 'database'>): LegalBases {
  const db = platform.database.as<CatalogTables>()
  return {
    async legalBasisOf(_environment, scope) {
      const found = (await listServed(db)).find(({ compiled }) => compiled.scopes.includes(scope))
      return found && { apiId: found.id, basis: found.compiled.consent }
    },
  }
}
