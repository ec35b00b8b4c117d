import type { ApiEntry } from '#snapshot'
import type { AccessToken } from '../credentials/token-verifier.ts'
import type { Operation } from '../operation.ts'

/** Why a call may tell of a person; `not-allowed`: its product is not offered for this purpose. */
type Basis = NonNullable<ApiEntry['consent']> | 'not-allowed'

/**
 * On what a call rests.
 * @public
 */
export type Way = {
  basis: Basis
  /** the scopes that have this basis; empty where the whole API has it */
  scopes: readonly string[]
}

const strictness: readonly Basis[] = ['contract', 'legitimate-interest', 'consent', 'not-allowed']

/**
 * Whether the legal basis of an operation is more than the contract for any scope and purpose.
 * @public
 */
export const needsLegalBasis = ({ api, documented }: Operation): boolean => {
  const { bases } = api
  if (bases === undefined || documented.scopes.length === 0)
    return api.consent !== undefined && api.consent !== 'contract'
  return documented.scopes.flat().some((scope) => {
    const own = bases[scope]
    if (own === undefined) return api.consent !== undefined && api.consent !== 'contract'
    const all = [own.none, own.other, ...Object.values(own.purposes)]
    return (
      own.other === undefined || all.some((one) => one !== undefined && one.basis !== 'contract')
    )
  })
}

/**
 * The least strict of the ways in which a token may call an operation: each of its alternative sets of scopes is as
 * strict as its strictest scope.
 * @public
 */
export function wayOf({ api, documented }: Operation, token: AccessToken | undefined): Way {
  let best: Way | undefined
  for (const scopes of documented.scopes) {
    if (token !== undefined && !scopes.every((scope) => token.scopes.has(scope))) continue
    const way = strictestOf(scopes, (scope) => basisOf(api, scope, token?.purpose))
    if (best === undefined || rank(way.basis) < rank(best.basis)) best = way
  }
  return best ?? { basis: api.consent ?? 'contract', scopes: [] }
}

function strictestOf(scopes: readonly string[], basisOfScope: (scope: string) => Basis): Way {
  let basis: Basis = 'contract'
  let having: string[] = []
  for (const scope of scopes) {
    const own = basisOfScope(scope)
    if (rank(own) < rank(basis)) continue
    if (own === basis) having.push(scope)
    else {
      basis = own
      having = [scope]
    }
  }
  return { basis, scopes: having }
}

function basisOf({ bases, consent }: ApiEntry, scope: string, purpose: string | undefined): Basis {
  const own = bases?.[scope]
  if (own === undefined) return consent ?? 'contract'
  if (purpose === undefined) return own.none.basis
  const named = Object.hasOwn(own.purposes, purpose) ? own.purposes[purpose] : undefined
  return (named ?? own.other)?.basis ?? 'not-allowed'
}

const rank = (basis: Basis): number => strictness.indexOf(basis)
