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

export type IdentityTables = {
  'identity.person': PersonRow
  'identity.member': { person_id: string; partner_id: string; role: PartnerRole }
  'identity.staff': { person_id: string; role: OperatorRole }
  'identity.first_operator': { only_one?: boolean; person_id: string; created_at: Date }
  'identity.invitation': InvitationRow
  'identity.session': {
    id_hash: string
    person_id: string
    created_at: Date
    last_used_at: Date
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
