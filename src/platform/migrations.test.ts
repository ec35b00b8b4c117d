import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { sql } from 'kysely'
import { migrate } from './migrations.ts'
import { testDatabase } from './testing.ts'

function tree(t: { after: (fn: () => void) => void }, files: Record<string, string>): string {
  const root = mkdtempSync(path.join(tmpdir(), 'wayleave-migrations-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
    writeFileSync(path.join(root, file), text)
  }
  return root
}

test('files are applied once, in order, also when many processes migrate at the same time', async (t) => {
  const database = await testDatabase(t)
  const root = tree(t, {
    'one/migrations/0001-a.sql': 'create schema one; create table one.a (id int)',
    'one/migrations/0002-b.sql': 'insert into one.a values (1)',
  })
  const applied = await Promise.all(
    Array.from({ length: 5 }, () => migrate(database.url, root, ['one'])),
  )
  assert.deepEqual(applied.flat(), ['one/0001-a.sql', 'one/0002-b.sql'])
  const { rows } = await sql<{ id: number }>`select id from one.a`.execute(database.as())
  assert.deepEqual(rows, [{ id: 1 }])
})

test('a file that fails leaves nothing of itself behind', async (t) => {
  const database = await testDatabase(t)
  const root = tree(t, { 'two/migrations/0001-a.sql': 'create schema two; select 1/0' })
  await assert.rejects(
    migrate(database.url, root, ['two']),
    /two\/0001-a\.sql failed: division by zero/,
  )
  const { rows } = await sql`select 1 from pg_namespace where nspname = 'two'`.execute(
    database.as(),
  )
  assert.equal(rows.length, 0)
})

test('a file that was changed after it was applied is refused', async (t) => {
  const database = await testDatabase(t)
  const root = tree(t, { 'three/migrations/0001-a.sql': 'create schema three' })
  await migrate(database.url, root, ['three'])
  writeFileSync(path.join(root, 'three/migrations/0001-a.sql'), 'create schema three; --')
  await assert.rejects(migrate(database.url, root, ['three']), /changed after it was applied/)
})

test('a database that is newer than the code is refused', async (t) => {
  const database = await testDatabase(t)
  const root = tree(t, { 'four/migrations/0001-a.sql': 'create schema four' })
  await migrate(database.url, root, ['four'])
  rmSync(path.join(root, 'four/migrations/0001-a.sql'))
  await assert.rejects(migrate(database.url, root, ['four']), /newer than this version/)
})
