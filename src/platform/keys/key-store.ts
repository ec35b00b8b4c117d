import { type Kysely, sql, type Transaction } from 'kysely'
import { lockFor } from '../database.ts'

export type DataKeyState = 'next' | 'current' | 'previous' | 'retired'

type DataKeyTable = {
  id: string
  purpose: 'root' | 'seal'
  state: DataKeyState
  wrapped: string | null
  kek: string | null
  made_at: Date
  current_at: Date | null
  previous_at: Date | null
  retired_at: Date | null
}

export type KeyTables = {
  'platform.data_key': DataKeyTable
  'platform.installation': { id: string; key_check: string | null }
}

export type KeyDb = Kysely<KeyTables>
export type KeyTrx = Transaction<KeyTables>

export type DataKeyRow = DataKeyTable

export const keysChannel = 'wayleave_data_keys'

/** The keys in the order in which they were made. */
export const listDataKeys = (db: KeyDb | KeyTrx): Promise<DataKeyRow[]> =>
  db.selectFrom('platform.data_key').selectAll().orderBy('made_at').orderBy('id').execute()

/** @throws when the schema is not there */
export async function readInstallation(
  db: KeyDb | KeyTrx,
): Promise<{ id: string; key_check: string | null }> {
  const row = await db
    .selectFrom('platform.installation')
    .select(['id', 'key_check'])
    .executeTakeFirst()
  if (row === undefined) throw new Error('the database is not migrated: run `./wayleave migrate`')
  return row
}

/** One change of the ring at a time, on however many processes; all of them are told when it is committed. */
export const changeKeys = <T>(db: KeyDb, change: (trx: KeyTrx) => Promise<T>): Promise<T> =>
  db.transaction().execute(async (trx) => {
    await lockFor(trx, 'wayleave.data-keys')
    const result = await change(trx)
    await sql`select pg_notify(${keysChannel}, '')`.execute(trx)
    return result
  })

export async function insertDataKey(trx: KeyTrx, row: Omit<DataKeyRow, 'retired_at'>) {
  await trx
    .insertInto('platform.data_key')
    .values({ ...row, retired_at: null })
    .execute()
}

export async function writeWrapped(
  trx: KeyTrx,
  id: string,
  after: { wrapped: string; kek: string },
): Promise<void> {
  await trx.updateTable('platform.data_key').set(after).where('id', '=', id).execute()
}

/** Marks these keys, which must be in the state `from`. @returns those that were */
export async function moveKeys(
  trx: KeyTrx,
  ids: readonly string[],
  change: { from: DataKeyState; to: 'current' | 'previous' | 'retired'; at: Date },
): Promise<string[]> {
  if (ids.length === 0) return []
  const rows = await trx
    .updateTable('platform.data_key')
    .set({ state: change.to, [`${change.to}_at`]: change.at })
    .where('id', 'in', ids)
    .where('purpose', '=', 'seal')
    .where('state', '=', change.from)
    .returning('id')
    .execute()
  return rows.map(({ id }) => id)
}
