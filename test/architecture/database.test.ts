import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { modules } from '../../src/modules.ts'

const schemas = Object.keys(modules).concat('platform')

/** Tables and functions of other modules that a file's SQL or query builder names. */
function foreignTables(file: string, text: string): string[] {
  const own = file.split('/')[1] ?? ''
  const named = [...text.matchAll(/(?:['"`\s(,]|^)([a-z]+)\.([a-z_]+)\b(?!\()/gm)]
  const sqlWords =
    /\b(?:from|join|into|update|table|references|view|truncate|selectFrom|insertInto|updateTable|deleteFrom|innerJoin|leftJoin)\b[\s(]*['"`]?$/i
  return named.flatMap((match) => {
    const [, schema = '', table = ''] = match
    if (schema === own || !schemas.includes(schema)) return []
    const before = text.slice(Math.max(0, (match.index ?? 0) - 40), (match.index ?? 0) + 1)
    return sqlWords.test(before) ? [`${file} → ${schema}.${table}`] : []
  })
}

const files = (): string[] =>
  globSync(['src/*/**/*.ts', 'src/*/migrations/*.sql'], {
    exclude: ['**/*.test.ts', '**/testing.ts', 'src/platform/**', 'src/compose/**'],
  })

test('no query and no foreign key crosses the schema of a module', () => {
  const found = files()
  assert.ok(found.length > 50, 'the scan found too few files')
  assert.deepEqual(
    found.flatMap((file) => foreignTables(file, readFileSync(file, 'utf8'))),
    [],
  )
})

test('a planted query into the tables of another module is found', () => {
  assert.deepEqual(foreignTables('src/gateway/bad.ts', "db.selectFrom('contracts.contract')"), [
    'src/gateway/bad.ts → contracts.contract',
  ])
  assert.deepEqual(
    foreignTables('src/metering/migrations/1.sql', 'x text references partners.partner (id)'),
    ['src/metering/migrations/1.sql → partners.partner'],
  )
  assert.deepEqual(
    foreignTables('src/contracts/good.ts', "db.selectFrom('contracts.contract')"),
    [],
  )
})
