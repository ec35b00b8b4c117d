import { type RawBuilder, sql } from 'kysely'
import { firstKeyId } from '../sealing.ts'
import { changeKeys, type KeyDb, type KeyTables, listDataKeys, moveKeys } from './key-store.ts'
import { type KeyUse, settleMs } from './rotate-data-key.ts'

/**
 * A column whose values `Sealing.seal` or `newDataKey` made, and that stay longer than a few weeks: it is sealed anew
 * after each rotation. Modules that keep sealed values tell of them in their face.
 * @public
 */
export type SealedColumn = {
  /** `schema.table` */
  table: string
  column: string
  /** the columns of the primary key, in its order */
  key: readonly string[]
  /** the context that a row's value is bound to, as it was sealed with */
  context: (key: Readonly<Record<string, string>>) => string
  /** `data-key` for the wrapped form that `newDataKey` gives */
  kind?: 'value' | 'data-key'
}

export type ResealResult = {
  /** values that were sealed anew */
  resealed: number
  /** values that do not open, or were changed while we looked; they are as they were */
  left: number
  /** data keys that no known value is sealed with any more */
  retired: readonly string[]
}

const batchRows = 200

/**
 * Seals values of former data keys with the current one, in small transactions and the order of the primary key. Each
 * value is replaced only if it is still the one that was read, so it may run anywhere and stop anywhere. When nothing of
 * a former key is left, and nobody can still seal with it, it is retired: it stays in the ring, because backups and
 * values that expire by themselves may name it, but nothing waits for it.
 */
export async function resealValues(
  use: KeyUse,
  columns: readonly SealedColumn[],
  options: { settleMs?: number; signal?: AbortSignal } = {},
): Promise<ResealResult> {
  const { database, keys, clock, record } = use
  const db = database.as<KeyTables>()
  const rows = (await listDataKeys(db)).filter(({ purpose }) => purpose === 'seal')
  const former = rows.filter(({ state }) => state === 'previous')
  const result = { resealed: 0, left: 0, retired: [] as readonly string[] }
  if (former.length === 0) return result
  // Whoever still sealed with these was told before this pass began.
  const before = clock.now().getTime() - (options.settleMs ?? settleMs)
  const ripe = former.filter(({ previous_at: at }) => at !== null && at.getTime() <= before)
  await keys.reload()
  for (const column of columns) {
    const { resealed, left } = await resealColumn(use, column, former, options.signal)
    result.resealed += resealed
    result.left += left
  }
  if (options.signal?.aborted === true || result.left > 0) return result
  if (ripe.length > 0)
    result.retired = await changeKeys(db, async (trx) => {
      const change = { from: 'previous', to: 'retired', at: clock.now() } as const
      const ids = ripe.map(({ id }) => id)
      const retired = await moveKeys(trx, ids, change)
      for (const id of retired)
        await record(trx, { action: 'data-key.retired', target: id, detail: {} })
      return retired
    })
  return result
}

type Row = Record<string, string>

async function resealColumn(
  { database, keys }: KeyUse,
  column: SealedColumn,
  former: readonly { id: string }[],
  signal: AbortSignal | undefined,
): Promise<{ resealed: number; left: number }> {
  const db = database.as<KeyTables>()
  const { sealing } = keys
  let resealed = 0
  let left = 0
  let after: Row | undefined
  while (signal?.aborted !== true) {
    const rows: Row[] = await readBatch(db, column, former, after)
    for (const row of rows) {
      const { value = '', ...key } = row
      let fresh: string
      try {
        const context = column.context(key)
        fresh =
          column.kind === 'data-key'
            ? sealing.rewrapDataKey(value, context)
            : sealing.seal(sealing.open(value, context), context)
      } catch {
        left += 1
        continue
      }
      if (await replace(db, column, key, value, fresh)) resealed += 1
      else left += 1
    }
    after = rows.at(-1)
    if (rows.length < batchRows) break
  }
  return { resealed, left }
}

const prefixOf = ({ id }: { id: string }): string => (id === firstKeyId ? 'v1.' : `v2.${id}.`)

/** Values of former keys, as text: keys of rows are compared by their own types in the database. */
async function readBatch(
  db: KeyDb,
  { table, column, key }: SealedColumn,
  former: readonly { id: string }[],
  after: Row | undefined,
): Promise<Row[]> {
  const names = sql.join(key.map((name) => sql.ref(`row.${name}`)))
  const shown = sql.join(key.map((name) => sql`${sql.ref(`row.${name}`)}::text as ${sql.id(name)}`))
  const past: RawBuilder<unknown> =
    after === undefined
      ? sql`true`
      : sql`(${names}) > (${sql.join(key.map((name) => sql`${after[name] ?? ''}`))})`
  const { rows } = await sql<Row>`
    select ${shown}, ${sql.ref(`row.${column}`)} as value from ${sql.table(table)} as row
    where ${sql.ref(`row.${column}`)} ^@ any (${former.map(prefixOf)}::text[]) and ${past}
    order by ${names} limit ${batchRows}`.execute(db)
  return rows
}

async function replace(
  db: KeyDb,
  { table, column, key }: SealedColumn,
  row: Row,
  before: string,
  value: string,
): Promise<boolean> {
  const same = sql.join(
    key.map((name) => sql`${sql.ref(name)} = ${row[name] ?? ''}`),
    sql` and `,
  )
  const { numAffectedRows } = await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${value}
    where ${same} and ${sql.ref(column)} = ${before}`.execute(db)
  return numAffectedRows === 1n
}

/** How many values of each column are sealed with another key than the current one. */
export async function countFormerValues(
  db: KeyDb,
  columns: readonly SealedColumn[],
): Promise<{ table: string; column: string; values: number }[]> {
  const former = (await listDataKeys(db)).filter(({ state }) => state === 'previous')
  const counts: { table: string; column: string; values: number }[] = []
  for (const { table, column } of columns) {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from ${sql.table(table)}
      where ${sql.ref(column)} ^@ any (${former.map(prefixOf)}::text[])`.execute(db)
    counts.push({ table, column, values: rows[0]?.count ?? 0 })
  }
  return counts
}
