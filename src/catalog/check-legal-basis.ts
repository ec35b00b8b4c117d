import { basisIn, compileLegalBases } from './compile-legal-basis.ts'
import { dpvPurposes, isDpvPurpose } from './dpv-purposes.ts'
import type { ScopeBases } from './entry.ts'
import type { CheckedFile, Path } from './faults.ts'
import { hint } from './nearest-name.ts'
import type { ProductConsent } from './product-consent.ts'

/** What of a legal basis needs no document: purposes that exist, and rules that say something. */
export function checkConsent(file: CheckedFile, consent: ProductConsent | undefined): void {
  if (consent === undefined) return
  const { purposes, rules = [] } = consent
  checkPurposes(file, purposes, ['consent', 'purposes'])
  for (const [index, rule] of rules.entries()) {
    const at: Path = ['consent', 'rules', index]
    if (rule.purposes === undefined && rule.scopes === undefined)
      file.fault(
        at,
        'names neither purposes nor scopes: what holds for everything is `consent.basis`',
      )
    checkPurposes(file, rule.purposes, [...at, 'purposes'])
    for (const [i, purpose] of (rule.purposes ?? []).entries())
      if (purposes?.includes(purpose) === false && isDpvPurpose(purpose))
        file.fault(
          [...at, 'purposes', i],
          `is not among \`consent.purposes\`, so the API may not be used for it: add it there, or leave it out here`,
        )
    refuseIdleTerms(file, rule.basis === 'consent', rule, at)
  }
  const any = consent.basis === 'consent' || rules.some(({ basis }) => basis === 'consent')
  refuseIdleTerms(file, any, consent, ['consent'])
}

function checkPurposes(file: CheckedFile, purposes: readonly string[] | undefined, at: Path): void {
  for (const [index, purpose] of (purposes ?? []).entries()) {
    if (isDpvPurpose(purpose)) continue
    const meant = purpose.includes('#')
      ? ': a purpose and scopes joined by # are the old form; name the scopes under `scopes`'
      : hint(purpose.startsWith('dpv:') ? purpose : `dpv:${purpose}`, dpvPurposes) ||
        ': one is `dpv:FraudPreventionAndDetection`'
    file.fault(
      [...at, index],
      `\`${purpose}\` is no purpose of the Data Privacy Vocabulary${meant}`,
    )
  }
}

function refuseIdleTerms(
  file: CheckedFile,
  restsOnConsent: boolean,
  terms: Pick<ProductConsent, 'expiresAfterDays' | 'maxTokens'>,
  at: Path,
): void {
  if (restsOnConsent) return
  for (const name of ['expiresAfterDays', 'maxTokens'] as const)
    if (terms[name] !== undefined)
      file.fault([...at, name], 'is about a consent, and nothing here rests on one', { at: 'key' })
}

/** What of it needs the scopes of the document. */
export function checkConsentScopes(
  file: CheckedFile,
  consent: ProductConsent | undefined,
  scopes: readonly string[],
): void {
  const rules = consent?.rules ?? []
  let known = true
  for (const [index, rule] of rules.entries()) {
    for (const [i, scope] of (rule.scopes ?? []).entries()) {
      if (scopes.includes(scope)) continue
      known = false
      file.fault(
        ['consent', 'rules', index, 'scopes', i],
        `\`${scope}\` is no scope that an operation asks for${hint(scope, scopes)}`,
      )
    }
  }
  if (!known || file.faulty) return
  for (const index of compileLegalBases(consent, scopes).idleRules)
    file.fault(
      ['consent', 'rules', index],
      'never holds: rules before it cover all that it names. The first rule that fits holds, so put it before them',
    )
}

/** What partners may rely on no more when these bases replace those: for people, one line a scope. */
export function narrowings(
  before: Readonly<Record<string, ScopeBases>>,
  after: Readonly<Record<string, ScopeBases>>,
): string[] {
  return Object.entries(before).flatMap(([scope, old]) => {
    const now = after[scope]
    if (now === undefined) return []
    const purposes = dpvPurposes.map((purpose) => {
      const [was, is] = [basisIn(old, purpose).basis, basisIn(now, purpose).basis]
      return { purpose, was, is }
    })
    const gone = purposes.filter(({ was, is }) => is === 'not-allowed' && was !== is)
    const asked = purposes.filter(
      ({ was, is }) => is === 'consent' && was !== is && was !== 'not-allowed',
    )
    return [
      ...told(scope, 'may not be used any more for', gone),
      ...told(scope, 'now needs the subscriber’s consent for', asked),
    ]
  })
}

function told(scope: string, what: string, found: readonly { purpose: string }[]): string[] {
  if (found.length === 0) return []
  const few = found.slice(0, 3).map(({ purpose }) => purpose)
  const more = found.length > few.length ? ` and ${found.length - few.length} others` : ''
  return [`\`${scope}\` ${what} ${few.join(', ')}${more}`]
}
