import { type Kysely, sql, type Transaction } from 'kysely'
import { jsonArrayFrom } from 'kysely/helpers/postgres'
import type { Environment } from '#platform/config'
import type { StoredSettings } from './client-settings.ts'
import type { CredentialType, PartnerTables } from './tables.ts'

type Db = Kysely<PartnerTables> | Transaction<PartnerTables>

/** An application that exists, with the state of its partner. */
export type ApplicationRecord = {
  id: string
  partnerId: string
  partnerName: string
  name: string
  environment: Environment
  clientId: string
  state: 'active' | 'suspended'
  partnerState: 'active' | 'suspended'
  createdAt: Date
}

export type PartnerRecord = {
  id: string
  name: string
  kind: 'organisation' | 'guest'
  state: 'active' | 'suspended'
  suspendedReason: string | null
  createdAt: Date
}

export type CredentialRecord = {
  id: string
  type: CredentialType
  hint: string
  secretHash: string | null
  jwk: unknown
  thumbprint: string | null
  subjectAlternativeName: string | null
  notAfter: Date | null
  createdAt: Date
}

const credentialFields = [
  'id',
  'type',
  'hint',
  'secret_hash as secretHash',
  'jwk',
  'thumbprint',
  'subject_alternative_name as subjectAlternativeName',
  'not_after as notAfter',
  'created_at as createdAt',
] as const

const partners = (db: Db) =>
  db
    .selectFrom('partners.partner')
    .select([
      'id',
      'name',
      'kind',
      'state',
      'suspended_reason as suspendedReason',
      'created_at as createdAt',
    ])

const applications = (db: Db) =>
  db
    .selectFrom('partners.application as a')
    .innerJoin('partners.partner as p', 'p.id', 'a.partner_id')
    .select([
      'a.id',
      'a.partner_id as partnerId',
      'p.name as partnerName',
      'a.name',
      'a.environment',
      'a.client_id as clientId',
      sql<'active' | 'suspended'>`a.state`.as('state'),
      'p.state as partnerState',
      'a.created_at as createdAt',
    ])
    .where('a.state', '<>', 'deleted')

export const findPartner = (db: Db, id: string): Promise<PartnerRecord | undefined> =>
  partners(db).where('id', '=', id).executeTakeFirst()

export async function listPartners(
  db: Db,
  page: { limit: number; offset: number },
): Promise<{ items: PartnerRecord[]; total: number }> {
  const [items, count] = await Promise.all([
    partners(db)
      .where('kind', '=', 'organisation')
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    db
      .selectFrom('partners.partner')
      .select((e) => e.fn.countAll<number>().as('total'))
      .where('kind', '=', 'organisation')
      .executeTakeFirstOrThrow(),
  ])
  return { items, total: count.total }
}

export async function insertPartner(
  db: Db,
  partner: { id: string; name: string; kind: 'organisation' | 'guest'; createdAt: Date },
): Promise<void> {
  await db
    .insertInto('partners.partner')
    .values({
      id: partner.id,
      name: partner.name,
      kind: partner.kind,
      state: 'active',
      suspended_reason: null,
      created_at: partner.createdAt,
    })
    .execute()
}

export async function setPartnerState(
  db: Db,
  id: string,
  state: 'active' | 'suspended',
  reason: string | null,
): Promise<boolean> {
  const result = await db
    .updateTable('partners.partner')
    .set({ state, suspended_reason: reason })
    .where('id', '=', id)
    .where('state', '<>', state)
    .executeTakeFirst()
  return result.numUpdatedRows > 0n
}

export const findGuestPartner = (db: Db): Promise<PartnerRecord | undefined> =>
  partners(db).where('kind', '=', 'guest').executeTakeFirst()

export const findApplication = (db: Db, id: string): Promise<ApplicationRecord | undefined> =>
  applications(db).where('a.id', '=', id).executeTakeFirst()

/** An application that nobody can change or delete until the transaction ends. */
export const holdApplication = (
  trx: Transaction<PartnerTables>,
  id: string,
): Promise<ApplicationRecord | undefined> =>
  applications(trx).where('a.id', '=', id).forShare('a').executeTakeFirst()

/** With what it decided about its sign-in, and with what it holds: one question for each token. */
export async function findApplicationByClientId(
  db: Db,
  clientId: string,
  environment: Environment,
): Promise<
  | (ApplicationRecord & { settings: StoredSettings | null; credentials: CredentialRecord[] })
  | undefined
> {
  const found = await applications(db)
    .leftJoin('partners.authorization_settings as s', 's.application_id', 'a.id')
    .select((e) => [
      's.settings',
      jsonArrayFrom(
        e
          .selectFrom('partners.credential')
          .select(credentialFields)
          .whereRef('application_id', '=', 'a.id')
          .orderBy('created_at')
          .orderBy('id'),
      ).as('credentials'),
    ])
    .where('a.client_id', '=', clientId)
    .where('a.environment', '=', environment)
    .executeTakeFirst()
  if (found === undefined) return undefined
  // In JSON a time is text.
  const dated = found.credentials.map((credential) => ({
    ...credential,
    notAfter: credential.notAfter === null ? null : new Date(credential.notAfter),
    createdAt: new Date(credential.createdAt),
  }))
  return { ...found, credentials: dated }
}

export const listApplications = (db: Db, partnerId: string): Promise<ApplicationRecord[]> =>
  applications(db)
    .where('a.partner_id', '=', partnerId)
    .orderBy('a.created_at')
    .orderBy('a.id')
    .execute()

export async function pageOfApplications(
  db: Db,
  partnerId: string,
  page: { limit: number; offset: number },
): Promise<{ items: ApplicationRecord[]; total: number }> {
  const [items, count] = await Promise.all([
    applications(db)
      .where('a.partner_id', '=', partnerId)
      .orderBy('a.created_at')
      .orderBy('a.id')
      .limit(page.limit)
      .offset(page.offset)
      .execute(),
    countApplications(db, partnerId),
  ])
  return { items, total: count }
}

export async function countApplications(db: Db, partnerId: string): Promise<number> {
  const { total } = await db
    .selectFrom('partners.application')
    .select((e) => e.fn.countAll<number>().as('total'))
    .where('partner_id', '=', partnerId)
    .where('state', '<>', 'deleted')
    .executeTakeFirstOrThrow()
  return total
}

export async function applicationIds(
  db: Db,
  environment: Environment,
  after: string,
): Promise<string[]> {
  const rows = await db
    .selectFrom('partners.application')
    .select('id')
    .where('environment', '=', environment)
    .where('state', '<>', 'deleted')
    .where('id', '>', after)
    .orderBy('id')
    .limit(1_000)
    .execute()
  return rows.map((row) => row.id)
}

export async function insertApplication(
  db: Db,
  application: {
    id: string
    partnerId: string
    name: string
    environment: Environment
    clientId: string
    createdAt: Date
  },
): Promise<void> {
  await db
    .insertInto('partners.application')
    .values({
      id: application.id,
      partner_id: application.partnerId,
      name: application.name,
      environment: application.environment,
      client_id: application.clientId,
      state: 'active',
      created_at: application.createdAt,
      deleted_at: null,
    })
    .execute()
}

export async function renameApplication(db: Db, id: string, name: string): Promise<void> {
  await db.updateTable('partners.application').set({ name }).where('id', '=', id).execute()
}

export async function deleteApplication(db: Db, id: string, at: Date): Promise<boolean> {
  const result = await db
    .updateTable('partners.application')
    .set({ state: 'deleted', deleted_at: at })
    .where('id', '=', id)
    .where('state', '<>', 'deleted')
    .executeTakeFirst()
  await db.deleteFrom('partners.credential').where('application_id', '=', id).execute()
  return result.numUpdatedRows > 0n
}

/** Held until the transaction ends, so that two changes of one application's credentials cannot pass each other. */
export async function lockApplication(
  trx: Transaction<PartnerTables>,
  id: string,
): Promise<boolean> {
  const row = await trx
    .selectFrom('partners.application')
    .select('id')
    .where('id', '=', id)
    .where('state', '<>', 'deleted')
    .forUpdate()
    .executeTakeFirst()
  return row !== undefined
}

export const listCredentials = (db: Db, applicationId: string): Promise<CredentialRecord[]> =>
  db
    .selectFrom('partners.credential')
    .select(credentialFields)
    .where('application_id', '=', applicationId)
    .orderBy('created_at')
    .orderBy('id')
    .execute()

/** Whether an application of the partner in another environment has this certificate. */
export async function hasCertificateElsewhere(
  db: Db,
  application: ApplicationRecord,
  thumbprint: string,
): Promise<boolean> {
  const row = await db
    .selectFrom('partners.credential as c')
    .innerJoin('partners.application as a', 'a.id', 'c.application_id')
    .select('c.id')
    .where('c.thumbprint', '=', thumbprint)
    .where('a.partner_id', '=', application.partnerId)
    .where('a.environment', '<>', application.environment)
    .executeTakeFirst()
  return row !== undefined
}

export async function insertCredential(
  db: Db,
  applicationId: string,
  credential: CredentialRecord,
): Promise<void> {
  await db
    .insertInto('partners.credential')
    .values({
      id: credential.id,
      application_id: applicationId,
      type: credential.type,
      hint: credential.hint,
      secret_hash: credential.secretHash,
      jwk: credential.jwk === null ? null : JSON.stringify(credential.jwk),
      thumbprint: credential.thumbprint,
      subject_alternative_name: credential.subjectAlternativeName,
      not_after: credential.notAfter,
      created_at: credential.createdAt,
    })
    .execute()
}

export async function deleteCredential(
  db: Db,
  applicationId: string,
  id: string,
): Promise<boolean> {
  const result = await db
    .deleteFrom('partners.credential')
    .where('application_id', '=', applicationId)
    .where('id', '=', id)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

export type ExplorerKeyRecord = { kid: string; publicJwk: unknown; sealedPrivateJwk: string }

export const findExplorerKey = (db: Db): Promise<ExplorerKeyRecord | undefined> =>
  db
    .selectFrom('partners.explorer_key')
    .select(['kid', 'public_jwk as publicJwk', 'sealed_private_jwk as sealedPrivateJwk'])
    .executeTakeFirst()

export async function insertExplorerKey(db: Db, key: ExplorerKeyRecord): Promise<void> {
  await db
    .insertInto('partners.explorer_key')
    .values({
      kid: key.kid,
      public_jwk: JSON.stringify(key.publicJwk),
      sealed_private_jwk: key.sealedPrivateJwk,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}
