import type { Generated } from 'kysely'
import type { Environment } from '#platform/config'
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

export type SubjectRow = {
  id: Generated<number>
  environment: Environment
  pseudonym: string
  wrapped_key: string
  made_at: Date
}

export type PersonalRow = {
  id: Generated<number>
  subject_id: number
  digest: string
  sealed: string
  made_at: Date
}

export type PartyRow = {
  id: Generated<number>
  environment: Environment
  partner_id: string
  application_id: string
  api_id: string
  basis: string
  purpose: string
}

/** The calls about people of one segment of a journal; the arrays are in the order of its records. */
export type SegmentRow = {
  id: number
  day: string
  leaf_id: string
  record: string
  records: number
  contents: Buffer
  ids: string[]
  /** when each arrived, in milliseconds since 1970 */
  ats: number[]
  party_ids: number[]
  /** 0: about nobody who is known; null: the subscriber was erased */
  personal_ids: (number | null)[]
  /** the first characters of the ids, each once */
  id_starts: string[]
  parties: number[]
  from_at: Date
  to_at: Date
}

export type EvidenceRow = {
  kind: string
  id: string
  at: Date
  appended_at: Date
  record: string
  sealed: string | null
  subject_id: number | null
  about: string | null
  final: boolean
  partner_id: string | null
  application_id: string | null
}

export type ErasureRow = {
  id: string
  state: 'asked' | 'done' | 'cancelled' | 'expired'
  reason: string
  sealed_number: string | null
  asked_by: string
  asked_at: Date
  expires_at: Date
  decided_by: string | null
  decided_at: Date | null
  erased: Record<string, number> | null
}

export type AuditTables = {
  'audit.subject': SubjectRow
  'audit.personal': PersonalRow
  'audit.key_epoch': { value: number }
  'audit.party': PartyRow
  'audit.evidence_day': { day: string; dropped_at: Date | null }
  'audit.segment': SegmentRow
  'audit.evidence': EvidenceRow
  'audit.erasure': ErasureRow
  'audit.signing_key': KeyRow
  'audit.checkpoint': CheckpointRow
  'audit.checkpoint_export': { sink: string; size: number; exported_at: Date }
  'audit.entry': EntryRow
  'audit.leaf': LeafRow
  'audit.node': NodeRow
}
