import type { Environment } from '#platform/config'

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
    type: 'client_secret' | 'public_key'
    hint: string
    secret_hash: string | null
    jwk: unknown
    created_at: Date
  }
  'partners.explorer_key': {
    kid: string
    public_jwk: unknown
    sealed_private_jwk: string
  }
}
