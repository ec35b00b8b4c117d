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

export type KeyRow = {
  id: string
  origin: string
  public_key: string
  sealed_private_key: string
  made_at: Date
}

export type CheckpointRow = {
  size: number
  root: Buffer
  key_id: string
  note: string
  made_at: Date
}

export type AuditTables = {
  'audit.signing_key': KeyRow
  'audit.checkpoint': CheckpointRow
  'audit.checkpoint_export': { sink: string; size: number; exported_at: Date }
  'audit.entry': EntryRow
  'audit.leaf': LeafRow
  'audit.node': NodeRow
}
