import { type Actor, recordAction } from '#audit'
import { AppError, invalidArgument, type Violation } from '#platform/app-error'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import { announceRetirement } from './announce-retirement.ts'
import { tell } from './publish-api.ts'
import {
  detailOf,
  isSameRetirement,
  lifecycleAt,
  noRetirement,
  type RetirementRow,
  shortNotice,
} from './retirement.ts'
import type { Lifecycle, LifecycleChange } from './schema.ts'
import { type Db, findState, type StoredState, setLifecycle } from './store.ts'
import { successorFault } from './successor.ts'
import type { CatalogTables } from './tables.ts'

/** From where to where. Nothing becomes a draft again: partners have seen it. */
const transitions: Readonly<Record<Lifecycle, readonly Lifecycle[]>> = {
  draft: ['published'],
  published: ['deprecated', 'retired'],
  deprecated: ['published', 'retired'],
  // A version that was retired by mistake comes back.
  retired: ['published', 'deprecated'],
}

export const noSuchApi = (): AppError =>
  new AppError('NOT_FOUND', 'There is no such API version in the catalog.')

/** What came of a change: the event that tells others, if anything changed, and what is short of good manners. */
export type LifecycleChanged = { eventId: string | undefined; warnings: string[] }

/**
 * Moves an API version to another state, or sets other dates of its end; to what it is already is no change.
 * Deprecating names when the version ends; publishing takes its end back.
 * @throws AppError NOT_FOUND, INVALID_ARGUMENT, INCOMPATIBLE_STATE
 */
export async function changeLifecycle(
  platform: Platform,
  apiId: string,
  change: LifecycleChange,
  actor: Actor,
): Promise<LifecycleChanged> {
  const db = platform.database.as<CatalogTables>()
  return await db.transaction().execute(async (trx) => {
    await lockFor(trx, `catalog.api ${apiId}`)
    const before = await findState(trx, apiId)
    if (before === undefined) throw noSuchApi()
    const now = platform.clock.now()
    refuseTransition(before, change.state)
    const retirement = retirementOf(before, change, now)
    await refuseFaults(trx, apiId, change, retirement, now)
    const to = change.state === 'deprecated' ? lifecycleAt(retirement, now) : change.state
    const warning = change.state === 'deprecated' ? shortNotice(retirement, now) : undefined
    const warnings = warning === undefined ? [] : [`sunsetAt ${warning}.`]
    const same = isSameRetirement(before, retirement)
    if (before.lifecycle === to && same) return { eventId: undefined, warnings }
    await setLifecycle(trx, apiId, to, retirement)
    await recordAction(platform.outbox, trx, {
      actor,
      action: 'api.lifecycle-changed',
      target: apiId,
      detail: { from: before.lifecycle, to, ...detailOf(retirement) },
    })
    if (!same && before.lifecycle !== 'draft')
      await announceRetirement(platform.outbox, trx, apiId, retirement)
    return { eventId: await tell(platform, trx, apiId), warnings }
  })
}

function refuseTransition({ id, lifecycle: from }: StoredState, to: Lifecycle): void {
  if (from === to) return
  if (!transitions[from].includes(to) || id.endsWith('/vwip'))
    throw new AppError('INCOMPATIBLE_STATE', `A version that is ${from} cannot become ${to}.`)
}

function retirementOf(before: StoredState, change: LifecycleChange, now: Date): RetirementRow {
  const successor = change.successor ?? null
  switch (change.state) {
    case 'draft':
    case 'published':
      return noRetirement
    case 'retired': {
      // It ends now, and not at the date that was announced: what is said of it afterwards must be true.
      if (before.lifecycle === 'retired' && successor === null) return before
      const ended = before.lifecycle === 'retired' ? before.sunset_at : now
      const began = before.deprecated_at
      return {
        deprecated_at: began === null || began <= now ? began : now,
        sunset_at: ended,
        successor: successor ?? before.successor,
      }
    }
    case 'deprecated':
      return {
        deprecated_at:
          change.deprecatedAt === undefined
            ? before.lifecycle === 'retired'
              ? now
              : (before.deprecated_at ?? now)
            : new Date(change.deprecatedAt),
        sunset_at: change.sunsetAt === undefined ? before.sunset_at : new Date(change.sunsetAt),
        successor: successor ?? before.successor,
      }
  }
}

async function refuseFaults(
  db: Db,
  apiId: string,
  change: LifecycleChange,
  { deprecated_at, sunset_at }: RetirementRow,
  now: Date,
): Promise<void> {
  const faults: Violation[] = []
  const fault = (name: string, message: string): void => {
    faults.push({ path: `/${name}`, message })
  }
  const unclear = (['deprecatedAt', 'sunsetAt'] as const).filter(
    // A leap second has the form of a moment, and no clock here has it.
    (name) => change[name] !== undefined && Number.isNaN(Date.parse(change[name])),
  )
  for (const name of unclear) fault(name, 'is no moment of the calendar')
  if (unclear.length > 0) throw invalidArgument(faults)
  if (change.state === 'deprecated') {
    if (sunset_at === null)
      fault('sunsetAt', 'is needed: partners must know when the version stops to answer')
    else if (sunset_at <= now) fault('sunsetAt', 'is in the past: to end a version now, retire it')
    else if (deprecated_at !== null && sunset_at <= deprecated_at)
      fault('sunsetAt', 'must be after deprecatedAt')
  } else {
    for (const name of ['deprecatedAt', 'sunsetAt'] as const)
      if (change[name] !== undefined)
        fault(name, `has no meaning for a version that is ${change.state}`)
  }
  if (change.successor !== undefined) {
    const why =
      change.state === 'draft' || change.state === 'published'
        ? `has no meaning for a version that is ${change.state}`
        : await successorFault(db, apiId, change.successor)
    if (why !== undefined) fault('successor', why)
  }
  if (faults.length > 0) throw invalidArgument(faults)
}
