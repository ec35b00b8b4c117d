import type { Actor } from './actor.ts'

export type EntryRow = {
  sequence: number
  event_id: string
  occurred_at: Date
  actor_kind: Actor['kind']
  actor_id: string | null
  via: string | null
  partner_id: string | null
  action: string
  target: string
  detail: unknown
  previous_hash: Buffer
  hash: Buffer
}

export type LeafRow = { position: number; kind: string; id: string; hash: Buffer }

export type NodeRow = { level: number; position: number; hash: Buffer }

export type AuditTables = {
  'audit.entry': EntryRow
  'audit.leaf': LeafRow
  'audit.node': NodeRow
}
