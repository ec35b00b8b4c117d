import type { KeyEncryption } from './key-encryption.ts'
import type { DataKeyRow } from './key-store.ts'
import { changeKeys, type KeyTables, listDataKeys, writeWrapped } from './key-store.ts'
import { type InstallationKeys, openRow } from './open-keys.ts'
import type { KeyUse } from './rotate-data-key.ts'

type Wrapped = { id: string; before: string; after: { wrapped: string; kek: string } }

const attempts = 5

/**
 * Wraps every key of the ring with the key-encryption key of this configuration, or with its newest version. No sealed
 * value is touched, and processes that run hold the same keys before and after. All rows change in one transaction, and
 * each one is opened again with the new key before anything is written.
 * @returns how many keys were wrapped anew
 */
export async function rewrapKeys(
  { database, keys, record }: KeyUse,
  kek: KeyEncryption = keys.encryptions.primary(),
): Promise<number> {
  const db = database.as<KeyTables>()
  for (let attempt = 1; ; attempt += 1) {
    const rows = (await listDataKeys(db)).filter(isWrapped)
    const work: Wrapped[] = []
    for (const row of rows) work.push(await wrapAgain(keys, kek, row))
    const done = await changeKeys(db, async (trx) => {
      const present = (await listDataKeys(trx)).filter(isWrapped)
      if (present.some(({ id, wrapped }) => work.find((w) => w.id === id)?.before !== wrapped))
        return false
      for (const { id, after } of work) await writeWrapped(trx, id, after)
      await record(trx, {
        action: 'data-key.rewrapped',
        target: kek.id(),
        detail: { from: [...new Set(rows.map((row) => row.kek))], keys: work.length },
      })
      return true
    })
    if (done) return work.length
    if (attempt === attempts)
      throw new Error('the keys change all the time: nothing was changed; try again')
  }
}

type WrappedRow = DataKeyRow & { wrapped: string; kek: string }

const isWrapped = (row: DataKeyRow): row is WrappedRow => row.wrapped !== null && row.kek !== null

async function wrapAgain(
  { installation, encryptions }: InstallationKeys,
  kek: KeyEncryption,
  row: WrappedRow,
): Promise<Wrapped> {
  const context = { installation, key: row.id, purpose: row.purpose }
  const bytes = await openRow(encryptions, installation, row)
  const wrapped =
    row.kek === kek.id() && kek.rewrap !== undefined
      ? await kek.rewrap(row.wrapped, context)
      : await kek.wrap(bytes, context)
  if (!(await kek.unwrap(wrapped, context)).equals(bytes))
    throw new Error(`${kek.id()} does not give the key ${row.id} back: nothing was changed`)
  return { id: row.id, before: row.wrapped, after: { wrapped, kek: kek.id() } }
}
