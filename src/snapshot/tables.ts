import type { Environment } from '#platform/config'

export type SnapshotTables = {
  'snapshot.head': { environment: Environment; revision: number; floor: number; format: number }
  'snapshot.entry': {
    environment: Environment
    kind: string
    id: string
    revision: number
    body: unknown
    changed_at: Date
  }
  'snapshot.consent': {
    environment: Environment
    id: string
    subject: string
    application_id: string
    purpose: string
    scopes: string[]
    granted: boolean
    expires_at: Date | null
  }
}
