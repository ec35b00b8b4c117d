import { cleaned, type DetailValue } from './record-action.ts'
import type { EntryRow, ErasureRow } from './tables.ts'

type Detail = Readonly<Record<string, DetailValue>>

/** What the action of an asking tells: everything that the row has. */
export const askedDetail = ({ reason, asked_at: at, expires_at: until }: ErasureRow): Detail => ({
  ...{ reason, askedAt: at.toISOString(), expiresAt: until.toISOString() },
})

/** What the action of a decision tells. Nothing in it leads to the subscriber: who erased somebody, and how much it was. */
export function decidedDetail(row: ErasureRow): Detail {
  const { reason, asked_by: askedBy, decided_at: at, erased } = row
  const decided = { reason, askedBy, decidedAt: at?.toISOString() ?? null }
  if (erased === null) return decided
  const tables = Object.entries(erased).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return {
    ...decided,
    rows: tables.reduce((sum, [, rows]) => sum + rows, 0),
    erased: tables.map(([table, rows]) => `${table}=${rows}`),
  }
}

/** The action that tells of each decision. */
export const decisions = {
  done: 'subscriber.erased',
  cancelled: 'erasure.cancelled',
  expired: 'erasure.expired',
} as const

export const erasureActions = ['erasure.asked', ...Object.values(decisions)]

type Told = Pick<EntryRow, 'action' | 'actor_id' | 'detail'>

/**
 * Compares an erasure with what the actions about it tell.
 * @returns what does not hold; `untold` when an action is not there
 */
export function faultOfErasure(
  row: ErasureRow,
  actions: readonly Told[],
): string | 'untold' | undefined {
  if (!isWhole(row)) return `the erasure ${row.id} has what one that is ${row.state} cannot have`
  const asked = actions.find(({ action }) => action === 'erasure.asked')
  const decided = actions.find(({ action }) => action !== 'erasure.asked')
  if (asked !== undefined && !tells(asked, row.asked_by, askedDetail(row)))
    return `the erasure ${row.id} was asked for by somebody else, at another time or for another reason`
  if (decided !== undefined) {
    if (row.state === 'asked' || decided.action !== decisions[row.state])
      return `the erasure ${row.id} is ${row.state}, and the log tells of ${decided.action}`
    const by = row.decided_by ?? decided.actor_id
    if (!tells(decided, by, decidedDetail(row)))
      return `the erasure ${row.id} was decided by somebody else, at another time or with another result`
  }
  return asked === undefined || (decided === undefined && row.state !== 'asked')
    ? 'untold'
    : undefined
}

const isWhole = ({ state, decided_by: by, decided_at: at, erased }: ErasureRow): boolean =>
  (at === null) === (state === 'asked') &&
  (by === null) === (state === 'asked' || state === 'expired') &&
  (erased === null) === (state !== 'done')

/** What an action of an earlier version did not tell is not compared. */
function tells({ actor_id: by, detail }: Told, whom: string | null, expected: Detail): boolean {
  const told = detail as Record<string, unknown>
  const other = Object.entries(expected).find(
    ([name, value]) =>
      told[name] !== undefined && JSON.stringify(told[name]) !== JSON.stringify(cleaned(value)),
  )
  return by === whom && other === undefined
}
