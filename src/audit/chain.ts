import { createHash } from 'node:crypto'
import type { EntryRow } from './tables.ts'

/** What the first entry follows. */
export const genesisHash = Buffer.alloc(32)

/**
 * SHA-256 over the leaf prefix of RFC 9162 (0x00), the canonical JSON of the entry and the hash of the entry before
 * it. The prefix keeps a leaf from being taken for an inner node when entries are later put into a Merkle tree.
 */
export function entryHash(entry: Omit<EntryRow, 'hash'>): Buffer {
  const hashed = {
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
  }
  return createHash('sha256')
    .update(Buffer.of(0))
    .update(canonicalJson(hashed))
    .update(entry.previous_hash)
    .digest()
}

/** Members in the order of their UTF-16 code units and no white space, as RFC 8785 asks. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value) ?? 'null'
}
