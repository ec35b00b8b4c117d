import type { ColumnType, Generated } from 'kysely'
import type { Environment } from '#platform/config'
import type { CaptureChannel, ConsentState } from './face.ts'
import type { LanguageText } from './language-text.ts'

export type ConsentRow = {
  id: string
  environment: Environment
  subject: string
  application_id: string
  application_name: string
  partner_id: string
  partner_name: string
  purpose: string
  scopes: string[]
  basis: 'consent' | 'legitimate-interest'
  state: ConsentState
  created_at: Date
  changed_at: Date
  granted_at: Date | null
  expires_at: Date | null
  last_used_at: Date | null
  text_hash: string | null
  locale: string | null
}

export type ChangeRow = {
  position: Generated<number>
  consent_id: string
  from_state: ConsentState | null
  to_state: ConsentState
  at: Date
  by_kind: 'subscriber' | 'partner' | 'operator' | 'system'
  by_id: string | null
  channel: string
  method: string | null
  reason: string | null
  capture_id: string | null
  text_hash: string | null
  locale: string | null
}

export type CaptureRow = {
  id: string
  token_hash: string
  consent_id: string
  environment: Environment
  subject: string
  application_id: string
  purpose: string
  channel: CaptureChannel
  locales: string[]
  expires_after_days: number | null
  sealed_number: string | null
  reference: string
  return_to: string | null
  created_at: Date
  expires_at: Date
  answered_at: Date | null
  answer: 'allow' | 'refuse' | null
}

export type ConsentTables = {
  'consent.notice': { hash: string; locale: string; content: string; made_at: Date }
  'consent.text_version': {
    position: Generated<number>
    locale: string
    hash: string
    content: ColumnType<LanguageText, string, never>
    source: 'file' | 'operator'
    made_by: string
    made_at: Date
  }
  'consent.consent': ConsentRow
  'consent.change': ChangeRow
  'consent.capture': CaptureRow
  'consent.shown': { capture_id: string; text_hash: string; locale: string; at: Date }
}
