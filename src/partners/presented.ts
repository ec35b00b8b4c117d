import type { Application, Credential, Partner } from './schema.ts'
import type { ApplicationRecord, CredentialRecord, PartnerRecord } from './store.ts'

export const presentApplication = (record: ApplicationRecord): Application => ({
  id: record.id,
  partnerId: record.partnerId,
  name: record.name,
  environment: record.environment,
  clientId: record.clientId,
  state: record.partnerState === 'suspended' ? 'suspended' : record.state,
  createdAt: record.createdAt.toISOString(),
})

export const presentCredential = (record: CredentialRecord): Credential => ({
  id: record.id,
  type: record.type,
  hint: record.hint,
  ...(record.thumbprint === null ? {} : { thumbprint: record.thumbprint }),
  ...(record.subjectAlternativeName === null
    ? {}
    : { subjectAlternativeName: record.subjectAlternativeName }),
  ...(record.notAfter === null ? {} : { expiresAt: record.notAfter.toISOString() }),
  createdAt: record.createdAt.toISOString(),
})

export const presentPartner = (
  record: PartnerRecord,
  requirements: Partner['production']['requirements'],
): Partner => ({
  id: record.id,
  name: record.name,
  state: record.state,
  ...(record.suspendedReason !== null && { suspendedReason: record.suspendedReason }),
  createdAt: record.createdAt.toISOString(),
  production: { ready: requirements.every((r) => r.done), requirements },
})
