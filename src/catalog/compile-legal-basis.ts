import { dpvPurposes } from './dpv-purposes.ts'
import type { ConsentBasis, LegalBasis, ScopeBases } from './entry.ts'
import type { ProductConsent } from './product-consent.ts'

export type CompiledBases = {
  /** the strictest basis of any scope and purpose */
  consent: ConsentBasis
  bases: Record<string, ScopeBases>
  /** rules that hold for nothing: what they name is taken by rules before them */
  idleRules: number[]
}

const standard: ProductConsent = { basis: 'contract' }
const strictness = ['contract', 'legitimate-interest', 'consent'] as const

/** Lays the rules of a manifest out by scope and purpose, so that who asks needs no rule of precedence. */
export function compileLegalBases(
  consent: ProductConsent = standard,
  scopes: readonly string[],
): CompiledBases {
  const rules = consent.rules ?? []
  const used = new Set<number>()
  const basisOf = (scope: string, purpose: string): LegalBasis => {
    const index = rules.findIndex(
      (rule) =>
        (rule.scopes?.includes(scope) ?? true) && (rule.purposes?.includes(purpose) ?? true),
    )
    const rule = rules[index]
    if (rule === undefined) return withTerms(consent.basis, consent)
    used.add(index)
    return withTerms(rule.basis, { ...consent, ...rule })
  }
  const named = new Set(rules.flatMap((rule) => rule.purposes ?? []))
  const allowed = consent.purposes ?? dpvPurposes
  // Of purposes that no rule names, one stands for all.
  const other = dpvPurposes.find((purpose) => !named.has(purpose)) ?? ''
  const listed = consent.purposes ?? allowed.filter((purpose) => named.has(purpose))
  const bases: Record<string, ScopeBases> = {}
  for (const scope of scopes) {
    const purposes = Object.fromEntries(listed.map((purpose) => [purpose, basisOf(scope, purpose)]))
    const rest = consent.purposes === undefined && other !== '' ? basisOf(scope, other) : undefined
    const all = [...Object.values(purposes), ...(rest === undefined ? [] : [rest])]
    bases[scope] = { purposes, ...(rest && { other: rest }), none: strictest(all) }
  }
  const idleRules = [...rules.keys()].filter((index) => !used.has(index))
  return { consent: strictestOfAll(consent.basis, Object.values(bases)), bases, idleRules }
}

function withTerms(
  basis: LegalBasis['basis'],
  { expiresAfterDays, maxTokens }: Pick<LegalBasis, 'expiresAfterDays' | 'maxTokens'>,
): LegalBasis {
  if (basis !== 'consent') return { basis }
  return {
    basis,
    ...(expiresAfterDays !== undefined && { expiresAfterDays }),
    ...(maxTokens !== undefined && { maxTokens }),
  }
}

/**
 * Of several bases the one that asks for most; what is not allowed counts only where nothing is. Of two consents the
 * one that ends first.
 */
export function strictest(all: readonly LegalBasis[]): LegalBasis {
  const [first = { basis: 'not-allowed' as const }, ...others] = all
  return others.reduce((a, b) => {
    if (rank(a) !== rank(b)) return rank(a) > rank(b) ? a : b
    return withTerms(a.basis, { ...least('expiresAfterDays', a, b), ...least('maxTokens', a, b) })
  }, first)
}

const rank = ({ basis }: LegalBasis): number =>
  basis === 'not-allowed' ? -1 : strictness.indexOf(basis)

const least = (name: 'expiresAfterDays' | 'maxTokens', a: LegalBasis, b: LegalBasis) => {
  const value = Math.min(a[name] ?? Number.POSITIVE_INFINITY, b[name] ?? Number.POSITIVE_INFINITY)
  return Number.isFinite(value) ? { [name]: value } : {}
}

function strictestOfAll(fallback: ConsentBasis, bases: readonly ScopeBases[]): ConsentBasis {
  if (bases.length === 0) return fallback
  const { basis } = strictest(bases.map(({ none }) => none))
  return basis === 'not-allowed' ? fallback : basis
}

/** The legal basis of a scope for a purpose, or for a request that names none. */
export function basisIn(bases: ScopeBases, purpose: string | undefined): LegalBasis {
  if (purpose === undefined) return bases.none
  if (Object.hasOwn(bases.purposes, purpose))
    return bases.purposes[purpose] ?? { basis: 'not-allowed' }
  return bases.other ?? { basis: 'not-allowed' }
}
