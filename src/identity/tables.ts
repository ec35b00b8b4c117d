import type { ColumnType } from 'kysely'
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

export type LinkPurpose =
  | 'recovery'
  | 'email-verification'
  | 'invitation'
  | 'staff-invitation'
  | 'first-operator'

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
  scopes: string[] | null
  expires_at: Date | null
}

export type InvitationRow = {
  id: string
  partner_id: string
  email: string
  role: PartnerRole
  invited_by: string
  created_at: Date
}

export type StaffInvitationRow = {
  id: string
  email: string
  role: OperatorRole
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
  /** of a session that came from an identity provider */
  provider_owner: string | null
  ends_at: Date | null
  sign_out_url: string | null
  created_at: Date
  last_used_at: Date
}

export type ProviderRow = {
  partner_id: string
  issuer: string
  client_id: string
  sealed_secret: string
  mode: 'optional' | 'enforced'
  role_claim: string | null
  roles: { value: string; role: PartnerRole }[]
  default_role: Exclude<PartnerRole, 'owner'> | null
  acr_values: string[]
  second_factor: 'provider' | 'local'
  changed_at: Date
  fault: string | null
  fault_at: Date | null
}

export type EmailDomainRow = {
  partner_id: string
  domain: string
  proof: string
  confirmed_at: Date | null
  created_at: Date
}

export type ProviderVisitRow = {
  state_hash: string
  owner: string
  browser_hash: string
  session_id: string | null
  return_to: string | null
  expires_at: Date
}

/** What a session keeps of the provider that it came from. */
export type FromProvider = { owner: string; endsAt: string; signOutUrl: string | undefined }

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
  'identity.staff_invitation': StaffInvitationRow
  'identity.session': SessionRow
  'identity.provider': Omit<ProviderRow, 'roles'> & {
    roles: ColumnType<ProviderRow['roles'], string, string>
  }
  'identity.email_domain': EmailDomainRow
  'identity.provider_subject': {
    owner: string
    issuer: string
    subject: string
    person_id: string
    created_at: Date
  }
  'identity.provider_visit': ProviderVisitRow
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
    provider: ColumnType<FromProvider | null, string | null | undefined, never>
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
