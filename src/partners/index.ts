export type { ApplicationCertificate } from './certificate-of-application.ts'
export type {
  AuthenticationMethod,
  ClientGrant,
  ClientGrantType,
  ClientSettings,
  SenderConstraint,
} from './client-settings.ts'
export {
  type ApplicationSnapshot,
  type Client,
  createPartnerDirectory,
  createPartners,
  type PartnerDirectory,
  type Partners,
} from './create-partners.ts'
export type { FirstCall, Requirement } from './schema.ts'
export { sealedColumns } from './sealed-columns.ts'
export type { ApplicationRecord, PartnerRecord } from './store.ts'
