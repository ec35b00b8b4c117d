import type { Retirement } from './entry.ts'
import type { Lifecycle } from './schema.ts'

/** Since when a version is deprecated, when it ends and what comes after it, as the catalog keeps it. */
export type RetirementRow = {
  deprecated_at: Date | null
  sunset_at: Date | null
  successor: string | null
}

export const noRetirement: RetirementRow = {
  deprecated_at: null,
  sunset_at: null,
  successor: null,
}

/** Half a year: what partners need to move, counted in days so that it is the same for every month. */
export const noticeDays = 182

const dayMs = 86_400_000

/** @returns undefined when nothing is said */
export function toRetirement(row: RetirementRow): Retirement | undefined {
  const { deprecated_at, sunset_at, successor } = row
  if (deprecated_at === null && sunset_at === null && successor === null) return undefined
  return {
    ...(deprecated_at !== null && { deprecatedAt: deprecated_at.toISOString() }),
    ...(sunset_at !== null && { sunsetAt: sunset_at.toISOString() }),
    ...(successor !== null && { successor }),
  }
}

const dateOf = (text: string | undefined): Date | null =>
  text === undefined ? null : new Date(text)

export const toRetirementRow = (retirement: Retirement): RetirementRow => ({
  deprecated_at: dateOf(retirement.deprecatedAt),
  sunset_at: dateOf(retirement.sunsetAt),
  successor: retirement.successor ?? null,
})

export const isSameRetirement = (a: RetirementRow, b: RetirementRow): boolean =>
  a.deprecated_at?.getTime() === b.deprecated_at?.getTime() &&
  a.sunset_at?.getTime() === b.sunset_at?.getTime() &&
  a.successor === b.successor

/** What a version is at a moment, by its dates: `published` until it is deprecated, then until it ends. */
export function lifecycleAt(row: RetirementRow, at: Date): Lifecycle {
  if (row.sunset_at !== null && row.sunset_at <= at) return 'retired'
  // An end without a beginning is announced at once.
  return row.deprecated_at === null || row.deprecated_at <= at ? 'deprecated' : 'published'
}

/** What is short of reasonable notice, or nothing. */
export function shortNotice({ sunset_at }: RetirementRow, at: Date): string | undefined {
  if (sunset_at === null) return undefined
  const days = Math.floor((sunset_at.getTime() - at.getTime()) / dayMs)
  return days >= noticeDays
    ? undefined
    : `gives partners ${days} ${days === 1 ? 'day' : 'days'} to move: ${noticeDays} (six months) are reasonable notice`
}

/** For the record of an action. */
export const detailOf = (row: RetirementRow): Record<string, string> => ({
  ...(row.deprecated_at !== null && { deprecatedAt: row.deprecated_at.toISOString() }),
  ...(row.sunset_at !== null && { sunsetAt: row.sunset_at.toISOString() }),
  ...(row.successor !== null && { successor: row.successor }),
})
