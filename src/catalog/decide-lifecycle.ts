import type { CompiledApi } from './compiled-api.ts'
import type { CheckedFile } from './faults.ts'
import {
  isSameRetirement,
  lifecycleAt,
  noRetirement,
  type RetirementRow,
  shortNotice,
  toRetirementRow,
} from './retirement.ts'
import type { Lifecycle } from './schema.ts'
import type { StoredState } from './store.ts'

export type Decided = { lifecycle: Lifecycle; retirement: RetirementRow }

/** What a manifest says of the state and the end of a version. */
type Stated = Pick<CompiledApi, 'state' | 'retirement'>

/**
 * What a publication makes of a version: the state and the end that the manifest names, or those that it has. Notes a
 * fault in the manifest where it contradicts itself, the clock, or what partners were promised.
 */
export function decideLifecycle(
  api: Stated,
  before: StoredState | undefined,
  now: Date,
  manifest: CheckedFile,
): Decided {
  const decided = decide(api, before, now)
  const { lifecycle, retirement } = decided
  if (before !== undefined && before.lifecycle !== 'draft' && lifecycle === 'draft')
    manifest.fault(
      ['state'],
      `${before.id} is ${before.lifecycle}: partners may use it, so it cannot become a draft again`,
    )
  if (api.retirement === undefined) return decided
  const told = before !== undefined && isSameRetirement(before, retirement)
  const ends = retirement.sunset_at
  // One that comes to a catalog after its end was never anything else there.
  const arrivesEnded = before === undefined && api.state === 'retired'
  if (ends !== null && ends <= now && lifecycle !== 'retired')
    manifest.fault(['deprecation', 'sunsetAt'], `is in the past, and the version is ${lifecycle}`)
  else if (
    ends !== null &&
    ends <= now &&
    !arrivesEnded &&
    before?.lifecycle !== 'retired' &&
    !told
  )
    manifest.fault(
      ['deprecation', 'sunsetAt'],
      'is in the past: to end a version now, say `state: retired`',
    )
  else if (api.state === 'published' && lifecycleAt(retirement, now) === 'deprecated')
    manifest.fault(
      ['state'],
      'is published, and its deprecation has begun: leave `state` out, or `deprecation`',
    )
  const short = lifecycle === 'retired' || told ? undefined : shortNotice(retirement, now)
  if (short !== undefined) manifest.warn(['deprecation', 'sunsetAt'], short)
  return decided
}

function decide(api: Stated, before: StoredState | undefined, now: Date): Decided {
  const kept = before ?? noRetirement
  if (api.retirement === undefined) {
    const lifecycle = api.state ?? before?.lifecycle ?? 'published'
    switch (lifecycle) {
      case 'draft':
        return { lifecycle, retirement: noRetirement }
      case 'published':
        // An end that was announced stays, unless the manifest says that what has begun to end does not.
        return {
          lifecycle,
          retirement: before?.lifecycle === 'published' ? rowOf(kept) : noRetirement,
        }
      case 'deprecated':
        return {
          lifecycle,
          retirement: { ...rowOf(kept), deprecated_at: kept.deprecated_at ?? now },
        }
      case 'retired':
        return {
          lifecycle,
          retirement: { ...rowOf(kept), sunset_at: earlier(kept.sunset_at, now) },
        }
    }
  }
  const named = toRetirementRow(api.retirement)
  const ended = named.sunset_at !== null && named.sunset_at <= now
  const began = named.deprecated_at ?? kept.deprecated_at ?? (ended ? null : now)
  const retirement = { ...named, deprecated_at: began }
  return { lifecycle: api.state ?? byDates(before, retirement, now), retirement }
}

function byDates(before: StoredState | undefined, row: RetirementRow, now: Date): Lifecycle {
  if (before?.lifecycle === 'draft' || before?.lifecycle === 'retired') return before.lifecycle
  return lifecycleAt(row, now)
}

const rowOf = ({ deprecated_at, sunset_at, successor }: RetirementRow): RetirementRow => ({
  deprecated_at,
  sunset_at,
  successor,
})

const earlier = (at: Date | null, now: Date): Date => (at !== null && at < now ? at : now)
