import type { Environment } from '#platform/config'
import type { ConsentDecision } from './face.ts'
import type { LegalBasis } from './needs.ts'
import { standsUntil } from './rules.ts'
import type { ConsentRow } from './tables.ts'

/** What the rule needs to know of a record. */
export type Known = Pick<
  ConsentRow,
  'id' | 'scopes' | 'basis' | 'state' | 'changed_at' | 'granted_at' | 'expires_at'
>

/** How one scope stands by itself. */
export type Standing =
  | { is: 'granted'; consentId: string; expiresAt: Date | undefined }
  | { is: 'denied' | 'withdrawn'; since: Date; stands: boolean }
  | { is: 'objected' }
  /** a question is open, or was shown */
  | { is: 'pending' | 'requested' }
  | { is: 'expired'; at: Date }
  | { is: 'none' }

/**
 * How a scope that rests on consent stands: a live permission first, then the newest word of the subscriber.
 * @param known records of one subscriber, application and purpose, the latest change first
 */
export function standingOf(
  environment: Environment,
  scope: string,
  known: readonly Known[],
  now: Date,
): Standing {
  const about = known.filter((one) => one.basis === 'consent' && one.scopes.includes(scope))
  const live = about.find((one) => one.state === 'GRANTED' && !isOver(one, now))
  if (live !== undefined)
    return { is: 'granted', consentId: live.id, expiresAt: live.expires_at ?? undefined }
  const open = about.find((one) => one.state === 'PENDING' || one.state === 'REQUESTED')
  const last = about.find((one) => isWord(one))
  const refused = last === undefined ? undefined : refusalOf(environment, last, about, now)
  if (refused?.stands === true) return refused
  if (open !== undefined) return { is: open.state === 'PENDING' ? 'pending' : 'requested' }
  if (refused !== undefined) return refused
  if (last !== undefined) return { is: 'expired', at: last.expires_at ?? last.changed_at }
  return { is: 'none' }
}

/** Whether a subscriber objected to a scope that rests on legitimate interest. */
export const isObjected = (scope: string, known: readonly Known[]): boolean =>
  known.some((one) => one.state === 'OBJECTED' && one.scopes.includes(scope))

/** Until the job has come by, a consent that is over still reads as granted. */
const isOver = (one: Known, now: Date): boolean => one.expires_at !== null && one.expires_at <= now

/** A question that nobody answered says nothing. */
const isWord = ({ state, granted_at }: Known): boolean =>
  state === 'DENIED' || state === 'WITHDRAWN' || granted_at !== null

function refusalOf(
  environment: Environment,
  last: Known,
  about: readonly Known[],
  now: Date,
): Extract<Standing, { is: 'denied' | 'withdrawn' }> | undefined {
  if (last.state !== 'DENIED' && last.state !== 'WITHDRAWN') return undefined
  const reason = last.state === 'DENIED' ? 'denied' : 'withdrawn'
  const words = about.filter(isWord)
  const other = words.findIndex((one) => one.state !== 'DENIED')
  const inARow = Math.max(1, other < 0 ? words.length : other)
  const until = standsUntil(environment, { reason, at: last.changed_at, inARow })
  return { is: reason, since: last.changed_at, stands: until > now }
}

/** Of several refusals, the one that stands longest is told. */
const byWeight = ['objected', 'withdrawn', 'denied'] as const

/** The one rule that decides. What is not allowed comes first, then what the subscriber refused, then what is missing. */
export function judge(
  environment: Environment,
  asked: readonly { scope: string; basis: LegalBasis }[],
  known: readonly Known[],
  now: Date,
): ConsentDecision {
  const notAllowed = asked.filter(({ basis }) => basis === 'not-allowed').map(({ scope }) => scope)
  if (notAllowed.length > 0) return { status: 'not-allowed', scopes: notAllowed }
  const refusals = new Set<(typeof byWeight)[number]>()
  const missing: string[] = []
  const consentIds = new Set<string>()
  for (const { scope, basis } of asked) {
    if (basis === 'legitimate-interest' && isObjected(scope, known)) refusals.add('objected')
    if (basis !== 'consent') continue
    const standing = standingOf(environment, scope, known, now)
    if (standing.is === 'granted') consentIds.add(standing.consentId)
    else if ((standing.is === 'denied' || standing.is === 'withdrawn') && standing.stands)
      refusals.add(standing.is)
    else missing.push(scope)
  }
  const reason = byWeight.find((one) => refusals.has(one))
  if (reason !== undefined) return { status: 'refused', reason }
  if (missing.length > 0) return { status: 'required', scopes: missing }
  return { status: 'granted', consentIds: [...consentIds] }
}
