import type { ColumnType } from 'kysely'
import type { Environment } from '#platform/config'
import type { StoredSettings } from './client-settings.ts'

export type CredentialType = 'client_secret' | 'public_key' | 'api_key' | 'client_certificate'

export type PartnerTables = {
  'partners.partner': {
    id: string
    name: string
    kind: 'organisation' | 'guest'
    state: 'active' | 'suspended'
    suspended_reason: string | null
    created_at: Date
  }
  'partners.application': {
    id: string
    partner_id: string
    name: string
    environment: Environment
    client_id: string
    state: 'active' | 'suspended' | 'deleted'
    created_at: Date
    deleted_at: Date | null
  }
  'partners.credential': {
    id: string
    application_id: string
    type: CredentialType
    hint: string
    secret_hash: string | null
    jwk: unknown
    thumbprint: string | null
    subject_alternative_name: string | null
    not_after: Date | null
    created_at: Date
  }
  'partners.authorization_settings': {
    application_id: string
    revision: number
    settings: ColumnType<StoredSettings | null, string | null | undefined, string>
    changed_at: Date | null
    lock_reason: string | null
    locked_at: Date | null
  }
  'partners.explorer_key': {
    kid: string
    public_jwk: unknown
    sealed_private_jwk: string
  }
}
