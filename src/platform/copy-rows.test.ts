import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { sql } from 'kysely'
import { type CopyValue, copyLine, copyRows } from './copy-rows.ts'
import { isUniqueViolation } from './database.ts'
import { testDatabase } from './testing.ts'

type Row = { id: number; text: string | null; flag: boolean | null }

const db = (await testDatabase({ after })).as<{ copied: Row }>()
await sql`create table copied (id integer primary key, text text, flag boolean)`.execute(db)

const target = 'copied (id, text, flag)'
const copy = (rows: readonly (readonly CopyValue[])[]): Promise<number> =>
  db.transaction().execute((trx) => copyRows(trx, target, rows.map(copyLine)))
const stored = (): Promise<Row[]> => db.selectFrom('copied').selectAll().orderBy('id').execute()
const empty = async (): Promise<unknown> => await sql`truncate copied`.execute(db)

test('what is copied is read as it was, whatever characters it has', async () => {
  const text = fc.option(
    fc
      .oneof(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('\\N', '\\.', 'a\tb', '\r\n', '\\', ''),
      )
      .filter((one) => !one.includes('\u0000') && one.isWellFormed()),
    { nil: undefined },
  )
  const property = fc.asyncProperty(
    fc.array(fc.tuple(text, fc.option(fc.boolean(), { nil: undefined })), { maxLength: 20 }),
    async (values) => {
      await empty()
      const rows = values.map(([one, flag], id) => [id, one, flag] as const)
      assert.equal(await copy(rows), rows.length)
      const told = rows.map(([id, one, flag]) => ({ id, text: one ?? null, flag: flag ?? null }))
      assert.deepEqual(await stored(), told)
    },
  )
  await fc.assert(property, { numRuns: 60 })
})

test('one row that is refused keeps all out, and the transaction goes on behind a savepoint', async () => {
  await empty()
  // Large enough that much of it is still to be sent when the database refuses the second row.
  const many = Array.from({ length: 40_000 }, (_, id) => [id === 1 ? 0 : id, 'x'.repeat(200), true])
  await db.transaction().execute(async (trx) => {
    await copyRows(trx, target, [copyLine([-1, 'before', true])])
    await sql`savepoint rows`.execute(trx)
    const refused = copyRows(trx, target, many.map(copyLine))
    await assert.rejects(refused, (error) => isUniqueViolation(error, 'copied_pkey'))
    await sql`rollback to savepoint rows`.execute(trx)
    await copyRows(trx, target, [copyLine([7, 'after', undefined])])
  })
  const ids = (await stored()).map(({ id }) => id)
  assert.deepEqual(ids, [-1, 7])
})

test('a connection that ends in the middle is told as a failure', async () => {
  await empty()
  await sql`create or replace function die() returns trigger language plpgsql as $$
    begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$`.execute(db)
  await sql`create trigger die before insert on copied for each row execute function die()`.execute(
    db,
  )
  const rows = Array.from({ length: 20_000 }, (_, id) => [id, 'x'.repeat(500), true])
  await assert.rejects(copy(rows), /terminat|Connection/)
  await sql`drop trigger die on copied`.execute(db)
  assert.equal(await copy([[1, 'again', true]]), 1)
})
