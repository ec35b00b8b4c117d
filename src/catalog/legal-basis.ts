import { sql } from 'kysely'
import type { Environment } from '#platform/config'
import type { Platform } from '#platform/module'
import { basisIn, strictest } from './compile-legal-basis.ts'
import { isDpvPurpose } from './dpv-purposes.ts'
import type { ConsentBasis, LegalBasis, ScopeBases } from './entry.ts'
import type { CatalogTables } from './tables.ts'

/** The legal basis of a scope, and the API version that says so. @public */
export type BasisOfScope = LegalBasis & { apiId: string }

/** On which legal basis personal data may be asked for. @public */
export interface LegalBases {
  /**
   * The legal basis of a scope for a purpose (`dpv:…`), or for a request that names none. Where several versions of an
   * API have the scope, the strictest basis of those that allow the purpose: each gateway still holds a call against
   * its own version.
   * @returns undefined when no published API has the scope
   */
  legalBasisOf(
    environment: Environment,
    scope: string,
    purpose?: string,
  ): Promise<BasisOfScope | undefined>
  /** Every scope of an API version, also of one that is retired; none when it is not known. */
  scopesOfApi(apiId: string): Promise<readonly string[]>
}

/**
 * Only the questions: without a checker, for processes that publish nothing.
 * @public
 */
export function createLegalBases(platform: Pick<Platform, 'database'>): LegalBases {
  const db = platform.database.as<CatalogTables>()
  return {
    // Both environments serve the same manifest: what is asked of a subscriber is rehearsed in the sandbox.
    async legalBasisOf(_environment, scope, purpose) {
      const rows = await db
        .selectFrom('catalog.api_version')
        .select(['id', 'consent', sql<ScopeBases | null>`bases -> ${scope}`.as('bases')])
        .where('lifecycle', 'in', ['published', 'deprecated'])
        .where('scopes', '@>', sql<string[]>`array[${scope}]::text[]`)
        .orderBy('id')
        .execute()
      const known = purpose === undefined || isDpvPurpose(purpose)
      const found = rows.map((row) => ({
        apiId: row.id,
        ...(known ? basisOfRow(row, purpose) : { basis: 'not-allowed' as const }),
      }))
      const whole = strictest(found)
      const first = found.find(({ basis }) => basis === whole.basis)
      return first && { apiId: first.apiId, ...whole }
    },
    async scopesOfApi(apiId) {
      const row = await db
        .selectFrom('catalog.api_version')
        .select('scopes')
        .where('id', '=', apiId)
        .executeTakeFirst()
      return row?.scopes ?? []
    },
  }
}

const basisOfRow = (
  { consent, bases }: { consent: string; bases: ScopeBases | null },
  purpose: string | undefined,
): LegalBasis => (bases === null ? { basis: consent as ConsentBasis } : basisIn(bases, purpose))
