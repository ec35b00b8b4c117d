import type { SimHistory } from './subscriber.ts'

const hourMs = 3_600_000
const stepMs = hourMs / 2
const marginMs = hourMs / 6

/**
 * The moment of the last change. "3 hours ago" has to stay true, so the date moves along in steps of half an hour; the
 * margin keeps its age between 3 h 10 min and 3 h 40 min, so that `maxAge` 3 is always false, 4 is always true, and
 * both agree with a date that was read up to 20 minutes before.
 */
const changedAt = (history: SimHistory & { kind: 'swapped' }, now: Date): number =>
  Math.floor(now.getTime() / stepMs) * stepMs - marginMs - history.hoursAgo * hourMs

/** What `retrieve-date` answers. */
export function latestSimChange(
  history: SimHistory,
  now: Date,
): { latestSimChange: string | null; monitoredPeriod?: number } {
  switch (history.kind) {
    case 'swapped':
      return { latestSimChange: new Date(changedAt(history, now)).toISOString() }
    case 'activated':
      return { latestSimChange: history.at }
    case 'undisclosed':
      return history.keptDays === undefined
        ? { latestSimChange: null }
        : { latestSimChange: null, monitoredPeriod: history.keptDays }
  }
}

/**
 * Whether the SIM changed in the last `maxAgeHours`.
 * @returns the longest period that may be asked for, when this one is longer
 */
export function simChangedWithin(
  history: SimHistory,
  maxAgeHours: number,
  now: Date,
): boolean | { limitHours: number } {
  const since = now.getTime() - maxAgeHours * hourMs
  switch (history.kind) {
    case 'swapped':
      return changedAt(history, now) >= since
    case 'activated':
      return Date.parse(history.at) >= since
    case 'undisclosed': {
      const limitHours = (history.keptDays ?? Number.POSITIVE_INFINITY) * 24
      return maxAgeHours > limitHours ? { limitHours } : false
    }
  }
}
