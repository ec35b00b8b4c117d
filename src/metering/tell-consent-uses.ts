import type { Transaction } from 'kysely'
import type { JournalRecord } from '#journal'
import type { Platform } from '#platform/module'
import type { SegmentName } from './segment-store.ts'

const atOnce = 10_000

/**
 * Tells which consents the answered calls of a segment rested on, and when each did last: one event for a segment, in
 * the transaction that counts it, so that a use is told exactly when it is counted.
 */
export async function tellConsentUses<T>(
  outbox: Platform['outbox'],
  trx: Transaction<T>,
  { environment, gatewayId, boot, sequence }: SegmentName,
  records: readonly JournalRecord[],
): Promise<void> {
  const uses = [...lastUses(records)]
  for (let from = 0; from < uses.length; from += atOnce)
    await outbox.emit(trx, {
      type: 'consents.used',
      key: `${gatewayId}/${boot}/${sequence}`,
      payload: { environment, uses: Object.fromEntries(uses.slice(from, from + atOnce)) },
    })
}

/** A call that was refused told nobody anything, so it used nothing. */
function lastUses(records: readonly JournalRecord[]): Map<string, number> {
  const last = new Map<string, number>()
  for (const { legal, status, at } of records) {
    if (legal?.consents === undefined || status < 200 || status > 299) continue
    for (const id of legal.consents) last.set(id, Math.max(last.get(id) ?? 0, at))
  }
  return last
}
