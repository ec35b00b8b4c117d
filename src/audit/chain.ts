import type { EntryRow } from './tables.ts'
import { canonicalJson, leafHash } from './verify.mjs'

/** What the first entry follows. */
export const genesisHash = Buffer.alloc(32)

/** What of an entry is hashed, beside the hash of the one before it. */
export const entryRecord = (entry: Omit<EntryRow, 'hash'>) => ({
  sequence: entry.sequence,
  event_id: entry.event_id,
  occurred_at: entry.occurred_at.toISOString(),
  actor_kind: entry.actor_kind,
  actor_id: entry.actor_id,
  via: entry.via,
  partner_id: entry.partner_id,
  action: entry.action,
  target: entry.target,
  detail: entry.detail,
})

/**
 * SHA-256 over the leaf prefix of RFC 9162 (0x00), the canonical JSON of the entry and the hash of the entry before it:
 * it is at once a link of the chain and a leaf of the log.
 */
export const entryHash = (entry: Omit<EntryRow, 'hash'>): Buffer =>
  leafHash(canonicalJson(entryRecord(entry)), entry.previous_hash)
