import { type Kysely, type SqlBool, sql, type Transaction } from 'kysely'
import type { EmailDomainRow, IdentityTables, ProviderRow } from './tables.ts'

type Db = Kysely<IdentityTables>
type Trx = Transaction<IdentityTables>

export const findProviderRow = (db: Db, partnerId: string): Promise<ProviderRow | undefined> =>
  db
    .selectFrom('identity.provider')
    .selectAll()
    .where('partner_id', '=', partnerId)
    .executeTakeFirst()

/**
 * A sign-in keeps the provider as it is until its session is written; whoever changes what it says about sessions waits
 * for that, and then ends it too. The lock is taken before that of a person.
 */
export const keepProvider = (trx: Trx, partnerId: string) =>
  trx
    .selectFrom('identity.provider')
    .select('partner_id')
    .where('partner_id', '=', partnerId)
    .forShare()
    .execute()

/** @returns it as it is, for whoever changes it or its domains */
export const lockProvider = (trx: Trx, partnerId: string): Promise<ProviderRow | undefined> =>
  trx
    .selectFrom('identity.provider')
    .selectAll()
    .where('partner_id', '=', partnerId)
    .forUpdate()
    .executeTakeFirst()

export async function putProvider(
  trx: Trx,
  setup: Omit<ProviderRow, 'fault' | 'fault_at'>,
): Promise<void> {
  const row = { ...setup, roles: JSON.stringify(setup.roles), fault: null, fault_at: null }
  await trx
    .insertInto('identity.provider')
    .values(row)
    .onConflict((conflict) => conflict.column('partner_id').doUpdateSet(row))
    .execute()
}

/** @returns whether there was one */
export async function deleteProvider(trx: Trx, partnerId: string): Promise<boolean> {
  const result = await trx
    .deleteFrom('identity.provider')
    .where('partner_id', '=', partnerId)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** For the people of the partner: why its provider did not sign somebody in. */
export const noteProviderFault = (db: Db, partnerId: string, fault: string, now: Date) =>
  db
    .updateTable('identity.provider')
    .set({ fault: fault.slice(0, 500), fault_at: now })
    .where('partner_id', '=', partnerId)
    .execute()

export const listDomains = (db: Db, partnerId: string): Promise<EmailDomainRow[]> =>
  db
    .selectFrom('identity.email_domain')
    .selectAll()
    .where('partner_id', '=', partnerId)
    .orderBy('domain')
    .execute()

export const findDomain = (
  db: Db,
  partnerId: string,
  domain: string,
): Promise<EmailDomainRow | undefined> =>
  db
    .selectFrom('identity.email_domain')
    .selectAll()
    .where('partner_id', '=', partnerId)
    .where('domain', '=', domain)
    .executeTakeFirst()

/** @returns the partner that has proved the domain */
export const findDomainOwner = async (db: Db, domain: string): Promise<string | undefined> => {
  const row = await db
    .selectFrom('identity.email_domain')
    .select('partner_id')
    .where('domain', '=', domain)
    .where('confirmed_at', 'is not', null)
    .executeTakeFirst()
  return row?.partner_id
}

/** A domain that is claimed already stays as it is, with its proof. */
export const claimDomain = (trx: Trx, row: EmailDomainRow) =>
  trx
    .insertInto('identity.email_domain')
    .values(row)
    .onConflict((conflict) => conflict.columns(['partner_id', 'domain']).doNothing())
    .execute()

export const confirmDomain = (trx: Trx, partnerId: string, domain: string, now: Date) =>
  trx
    .updateTable('identity.email_domain')
    .set({ confirmed_at: now })
    .where('partner_id', '=', partnerId)
    .where('domain', '=', domain)
    .execute()

/** @returns whether there was one */
export async function deleteDomain(trx: Trx, partnerId: string, domain: string): Promise<boolean> {
  const result = await trx
    .deleteFrom('identity.email_domain')
    .where('partner_id', '=', partnerId)
    .where('domain', '=', domain)
    .executeTakeFirst()
  return result.numDeletedRows > 0n
}

type Subject = { owner: string; issuer: string; subject: string }

/** @returns who this subject is here */
export const findSubject = async (
  db: Db,
  { owner, issuer, subject }: Subject,
): Promise<string | undefined> => {
  const row = await db
    .selectFrom('identity.provider_subject')
    .select('person_id')
    .where('owner', '=', owner)
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
  return row?.person_id
}

export const isLinked = async (
  db: Db,
  { owner, issuer }: Pick<Subject, 'owner' | 'issuer'>,
  personId: string,
): Promise<boolean> =>
  (await db
    .selectFrom('identity.provider_subject')
    .select('person_id')
    .where('owner', '=', owner)
    .where('issuer', '=', issuer)
    .where('person_id', '=', personId)
    .executeTakeFirst()) !== undefined

/** @returns false when the person is another subject of this provider already */
export async function linkSubject(
  trx: Trx,
  { owner, issuer, subject }: Subject,
  personId: string,
  now: Date,
): Promise<boolean> {
  const result = await trx
    .insertInto('identity.provider_subject')
    .values({ owner, issuer, subject, person_id: personId, created_at: now })
    .onConflict((conflict) => conflict.columns(['person_id', 'issuer']).doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Of a provider that is gone, or of one person that is to be linked anew. */
export const unlinkSubjects = (trx: Trx, of: { owner: string; personId?: string }) =>
  trx
    .deleteFrom('identity.provider_subject')
    .where('owner', '=', of.owner)
    .$if(of.personId !== undefined, (query) => query.where('person_id', '=', of.personId ?? ''))
    .execute()

/** Sessions that came from a provider that is gone or another now, and half sign-ins that it began. */
export async function endProviderSessions(trx: Trx, owner: string): Promise<void> {
  await trx.deleteFrom('identity.session').where('provider_owner', '=', owner).execute()
  await endHalfSignIns(trx, owner)
}

/** Whose factor is still to come begins anew. */
const endHalfSignIns = (trx: Trx, owner: string) =>
  trx
    .deleteFrom('identity.sign_in_ticket')
    .where(sql<SqlBool>`provider ->> 'owner' = ${owner}`)
    .execute()

/** Sessions of people whose domain the provider answers for no more. */
export async function endSessionsOfDomain(trx: Trx, owner: string, domain: string): Promise<void> {
  await endHalfSignIns(trx, owner)
  await trx
    .deleteFrom('identity.session')
    .where('provider_owner', '=', owner)
    .where((eb) =>
      eb(
        'person_id',
        'in',
        eb
          .selectFrom('identity.person as p')
          .select('p.id')
          .where(sql<SqlBool>`split_part(p.email, '@', 2) = ${domain}`),
      ),
    )
    .execute()
}

/** Sessions of members, of these domains and no owners, that did not come from the provider. */
export const endLocalSessions = (trx: Trx, partnerId: string, domains: readonly string[]) =>
  trx
    .deleteFrom('identity.session')
    .where('provider_owner', 'is', null)
    .where((eb) =>
      eb(
        'person_id',
        'in',
        eb
          .selectFrom('identity.member as m')
          .innerJoin('identity.person as p', 'p.id', 'm.person_id')
          .select('p.id')
          .where('m.partner_id', '=', partnerId)
          .where('m.role', '!=', 'owner')
          .where(sql<SqlBool>`split_part(p.email, '@', 2) = any(${[...domains]}::text[])`),
      ),
    )
    .execute()
