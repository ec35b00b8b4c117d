import type { OperatorRole, PartnerRole } from './schema.ts'

export type PersonRow = {
  id: string
  email: string
  name: string
  password_hash: string
  email_verified_at: Date | null
  last_sign_in_at: Date | null
  created_at: Date
}

export type LinkPurpose = 'recovery' | 'email-verification' | 'invitation' | 'first-operator'

export type ChallengePurpose = 'passkey-sign-in' | 'passkey-step-up' | 'passkey-registration'

export type TokenRow = {
  id: string
  secret_hash: string
  hint: string
  name: string
  kind: 'partner' | 'operator'
  partner_id: string | null
  person_id: string | null
  created_by: string
  created_at: Date
  last_used_at: Date | null
}

export type InvitationRow = {
  id: string
  partner_id: string
  email: string
  role: PartnerRole
  invited_by: string
  created_at: Date
}

export type SessionRow = {
  id_hash: string
  id: string
  person_id: string
  methods: string[]
  verified_at: Date | null
  device: string
  address: string
  previous_hash: string | null
  rotated_at: Date | null
  created_at: Date
  last_used_at: Date
}

export type PasskeyRow = {
  id: string
  credential_id: string
  person_id: string
  name: string
  /** COSE key, base64url */
  public_key: string
  counter: number
  transports: string[]
  synced: boolean
  backed_up: boolean
  created_at: Date
  last_used_at: Date | null
}

export type IdentityTables = {
  'identity.person': PersonRow
  'identity.member': { person_id: string; partner_id: string; role: PartnerRole }
  'identity.staff': { person_id: string; role: OperatorRole }
  'identity.first_operator': { only_one?: boolean; person_id: string; created_at: Date }
  'identity.invitation': InvitationRow
  'identity.session': SessionRow
  'identity.passkey': PasskeyRow
  'identity.totp': {
    person_id: string
    sealed_secret: string
    last_step: number
    created_at: Date
  }
  'identity.totp_enrolment': { person_id: string; sealed_secret: string; expires_at: Date }
  'identity.recovery_code': { code_hash: string; person_id: string }
  'identity.challenge': {
    challenge_hash: string
    purpose: ChallengePurpose
    person_id: string | null
    expires_at: Date
  }
  'identity.sign_in_ticket': {
    token_hash: string
    person_id: string
    attempts: number
    expires_at: Date
  }
  'identity.link': {
    token_hash: string
    purpose: LinkPurpose
    subject_id: string
    created_at: Date
    expires_at: Date
  }
  'identity.token': TokenRow
}
