import type { Kysely, Transaction } from 'kysely'
import type { AcceptanceRow, AgreementRow, ContractTables } from './tables.ts'

type Db = Kysely<ContractTables> | Transaction<ContractTables>

/** Newest version first. */
export const listAgreements = (db: Db): Promise<AgreementRow[]> =>
  db
    .selectFrom('contracts.agreement')
    .selectAll()
    .orderBy('name')
    .orderBy('version', 'desc')
    .execute()

export const findAgreement = (db: Db, id: string): Promise<AgreementRow | undefined> =>
  db.selectFrom('contracts.agreement').selectAll().where('id', '=', id).executeTakeFirst()

/** The newest version of the text that every production contract rests on. */
export const currentAgreement = (db: Db, name: string): Promise<AgreementRow | undefined> =>
  db
    .selectFrom('contracts.agreement')
    .selectAll()
    .where('name', '=', name)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()

export async function insertAgreement(db: Db, agreement: AgreementRow): Promise<void> {
  await db.insertInto('contracts.agreement').values(agreement).execute()
}

/** @returns false when this person has accepted it before */
export async function insertAcceptance(db: Db, acceptance: AcceptanceRow): Promise<boolean> {
  const result = await db
    .insertInto('contracts.acceptance')
    .values(acceptance)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** What a partner has accepted, oldest first. */
export const acceptancesOf = (db: Db, partnerId: string): Promise<AcceptanceRow[]> =>
  db
    .selectFrom('contracts.acceptance')
    .selectAll()
    .where('partner_id', '=', partnerId)
    .orderBy('accepted_at')
    .execute()
