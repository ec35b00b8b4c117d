import { AppError, invalidArgument } from '#platform/app-error'
import type { Environment } from '#platform/config'
import type { Place } from './evidence-place.ts'
import type { EvidenceItem, EvidenceSearch } from './schema.ts'
import type { EvidenceFilter, FoundEvidence } from './search-evidence.ts'

const dayMs = 86_400_000
const defaultDays = 30
const mostDays = 400
/** Clocks of gateways may be ahead. */
const aheadMs = 10 * 60_000

/** What was asked for, with a subscriber as a pseudonym from here on. @throws AppError for what makes no sense together */
export function searchFilter(
  search: EvidenceSearch,
  now: Date,
  pseudonymOf: (environment: Environment, phoneNumber: string) => string,
): EvidenceFilter {
  const { environment, phoneNumber, partnerId, applicationId, apiId, purpose, basis } = search
  if (phoneNumber !== undefined && environment === undefined)
    throw invalidArgument([
      {
        path: 'environment',
        message: 'is needed: a subscriber is known by another pseudonym in each',
      },
    ])
  const to = momentOf('to', search.to) ?? new Date(now.getTime() + aheadMs)
  const from = momentOf('from', search.from) ?? new Date(to.getTime() - defaultDays * dayMs)
  if (from > to) throw invalidArgument([{ path: 'to', message: 'is before `from`' }])
  if (to.getTime() - from.getTime() > mostDays * dayMs)
    throw new AppError('OUT_OF_RANGE', `At most ${mostDays} days are searched at a time.`)
  return {
    of: search.of ?? ['exchange', 'event', 'action'],
    ...{ from, to, environment, partnerId, applicationId, apiId, purpose, basis },
    subject:
      phoneNumber === undefined || environment === undefined
        ? undefined
        : pseudonymOf(environment, phoneNumber),
  }
}

function momentOf(path: string, text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const moment = new Date(text)
  if (Number.isNaN(moment.getTime()))
    throw invalidArgument([{ path, message: 'is not a moment that exists' }])
  return moment
}

/** Where a page ended. */
export const writeCursor = ({ at, id }: Place): string =>
  Buffer.from(JSON.stringify([at.getTime(), id])).toString('base64url')

/** @throws AppError for what is no cursor */
export function readCursor(cursor: string): Place {
  try {
    const [at, id, more] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[]
    if (
      typeof id === 'string' &&
      Number.isSafeInteger(at) &&
      more === undefined &&
      !id.includes('\u0000')
    ) {
      const place = { at: new Date(Number(at)), id }
      // Before 1970 there is nothing, and the database does not know all years that a date can have.
      if (place.at.getTime() >= 0) return place
    }
  } catch {
    // Told below.
  }
  throw invalidArgument([{ path: 'cursor', message: 'is not one that a search gave' }])
}

/** An item of the list, whatever it is. */
export function presentEvidence(found: FoundEvidence): EvidenceItem {
  const { sort, id } = found
  const common = { sort, id, at: found.at.toISOString() }
  const partner = found.partner_id ? { partnerId: found.partner_id } : {}
  switch (found.sort) {
    case 'exchange':
      return {
        ...common,
        ...partner,
        what: found.api_id || 'an address',
        environment: found.environment,
        ...(found.application_id !== '' && { applicationId: found.application_id }),
        ...(found.basis !== '' && { basis: found.basis }),
        ...(found.purpose !== '' && { purpose: found.purpose }),
      }
    case 'event':
      return {
        ...common,
        ...partner,
        what: [found.kind, stateOf(found.record)].filter(Boolean).join(' '),
        position: found.position,
        ...(found.about !== null && { about: found.about }),
        ...(found.application_id !== null && { applicationId: found.application_id }),
      }
    case 'action':
      return {
        ...common,
        ...partner,
        what: found.action,
        about: found.target,
        by: found.actor_id ?? found.actor_kind,
        position: found.position,
      }
  }
}

function stateOf(record: string): string | undefined {
  const { state } = JSON.parse(record) as { state?: unknown }
  return typeof state === 'string' ? state : undefined
}
