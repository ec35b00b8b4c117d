import type { Environment } from '#platform/config'

export type KeyState = 'next' | 'current' | 'previous' | 'retired'

type SigningKeyRow = {
  kid: string
  environment: Environment
  state: KeyState
  public_jwk: unknown
  sealed_private_jwk: string | null
  created_at: Date
  current_at: Date | null
  previous_at: Date | null
}

type ArtifactTableRow = {
  environment: Environment
  model: string
  id: string
  grant_id: string | null
  payload: string
  created_at: Date
  expires_at: Date
  consumed_at: Date | null
}

export type AuthorizationTables = {
  'authorization.artifact': ArtifactTableRow
  'authorization.signing_key': SigningKeyRow
  'authorization.used_assertion': { environment: Environment; id: string; expires_at: Date }
}
