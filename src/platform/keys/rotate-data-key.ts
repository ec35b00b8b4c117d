import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import type { DatabasePool } from '../database.ts'
import { firstKeyId } from '../sealing.ts'
import {
  changeKeys,
  type DataKeyRow,
  insertDataKey,
  type KeyTables,
  type KeyTrx,
  listDataKeys,
  moveKeys,
} from './key-store.ts'
import { type InstallationKeys, wrapNew } from './open-keys.ts'

/** A change of the ring, for evidence; written in its transaction. */
export type KeyChange =
  | { action: 'data-key.rotated'; target: string; detail: { previous: string; next: string } }
  | { action: 'data-key.retired'; target: string; detail: Record<string, never> }
  | {
      action: 'data-key.rewrapped'
      target: string
      detail: { from: readonly string[]; keys: number }
    }

export type KeyUse = {
  database: DatabasePool
  keys: InstallationKeys
  clock: Clock
  record: (trx: KeyTrx, change: KeyChange) => Promise<void>
}

/**
 * How long a key must have been known before it may seal: every process has read it by then, at the latest by its poll.
 * A process that seals with the key before goes on to be read, so nothing waits for it.
 */
export const settleMs = 30_000

/** Processes of the first releases read `v1.` values only: so long after an upgrade may one still run beside ours. */
const upgradeMs = 3_600_000

export type Rotation =
  | { rotated: true; current: string; previous: string }
  | { rotated: false; why: 'too-soon'; waitMs: number }
  | { rotated: false; why: 'not-due' }

/**
 * The next key begins to seal, and a new next one is made. What the key before sealed stays readable and is sealed
 * anew in the background.
 * @param due whether it is time, asked under the lock: two processes that find it due rotate once
 */
export async function rotateDataKey(
  { database, keys, clock, record }: KeyUse,
  options: { settleMs?: number; due?: (current: DataKeyRow, at: Date) => boolean } = {},
): Promise<Rotation> {
  const db = database.as<KeyTables>()
  const wait = (next: DataKeyRow | undefined): number =>
    (options.settleMs ?? settleMs) - (clock.now().getTime() - (next?.made_at.getTime() ?? 0))
  const rows = await listDataKeys(db)
  if (options.due?.(inState(rows, 'current'), clock.now()) === false)
    return { rotated: false, why: 'not-due' }
  const early = wait(rows.find(({ state }) => state === 'next'))
  if (early > 0) return { rotated: false, why: 'too-soon', waitMs: early }

  // The key service is asked before anything is locked.
  const made = await wrapNew(keys.encryptions.primary(), keys.installation, 'seal', randomBytes(32))
  const result = await changeKeys(db, async (trx): Promise<Rotation> => {
    const present = await listDataKeys(trx)
    const current = inState(present, 'current')
    const next = inState(present, 'next')
    const at = clock.now()
    if (options.due?.(current, at) === false) return { rotated: false, why: 'not-due' }
    const waitMs = wait(next)
    if (waitMs > 0) return { rotated: false, why: 'too-soon', waitMs }
    await moveKeys(trx, [current.id], { from: 'current', to: 'previous', at })
    await moveKeys(trx, [next.id], { from: 'next', to: 'current', at })
    await insertDataKey(trx, {
      ...made,
      ...{ purpose: 'seal', state: 'next', made_at: at, current_at: null, previous_at: null },
    })
    await record(trx, {
      action: 'data-key.rotated',
      target: next.id,
      detail: { previous: current.id, next: made.id },
    })
    return { rotated: true, current: next.id, previous: current.id }
  })
  await keys.reload()
  return result
}

function inState(rows: readonly DataKeyRow[], state: 'current' | 'next'): DataKeyRow {
  const found = rows.find((row) => row.purpose === 'seal' && row.state === state)
  if (found === undefined)
    throw new Error(`the ring has no ${state} data key: restore platform.data_key from a backup`)
  return found
}

/** Whether a key has sealed for long enough; after an upgrade the way of the first releases ends soon. */
export const dueAfter =
  (days: number) =>
  (current: DataKeyRow, at: Date): boolean => {
    const since = (current.current_at ?? current.made_at).getTime()
    return at.getTime() - since >= (current.id === firstKeyId ? upgradeMs : days * 86_400_000)
  }
