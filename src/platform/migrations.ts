import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { Client } from 'pg'

type Migration = { module: string; name: string; sql: string; checksum: string }

/**
 * The numbered SQL files of these modules, in the order of the modules and then of the numbers.
 */
function readMigrations(root: string, modules: readonly string[]): Migration[] {
  return modules.flatMap((module) => {
    const folder = path.join(root, module, 'migrations')
    if (!existsSync(folder)) return []
    const names = readdirSync(folder)
      .filter((name) => name.endsWith('.sql'))
      .sort()
    return names.map((name) => {
      const sql = readFileSync(path.join(folder, name), 'utf8')
      return { module, name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
  })
}

/**
 * Brings one database to the present schema: forward only, one transaction a file, safe to run from many processes
 * and while the previous version serves.
 * @returns the files that were applied now
 * @throws when an applied file was changed afterwards, or the database is newer than this code
 * @public
 */
export async function migrate(
  url: string,
  root: string,
  modules: readonly string[],
): Promise<string[]> {
  const wanted = readMigrations(root, modules)
  const client = new Client({
    connectionString: url,
    application_name: 'wayleave migrate',
    connectionTimeoutMillis: 10_000,
  })
  await client.connect()
  try {
    await client.query(`select pg_advisory_lock(hashtextextended('wayleave.migrate', 0))`)
    await client.query(`set lock_timeout = '10s'`)
    await client.query(`
      create schema if not exists platform;
      create table if not exists platform.migration (
        module text not null, name text not null, checksum text not null,
        applied_at timestamptz not null default now(), primary key (module, name))`)
    const { rows } = await client.query<{ module: string; name: string; checksum: string }>(
      'select module, name, checksum from platform.migration',
    )
    const applied = new Map(rows.map((row) => [`${row.module}/${row.name}`, row.checksum]))
    const known = new Set(wanted.map((m) => `${m.module}/${m.name}`))
    const touched = new Set(modules)
    const newer = rows.filter((r) => touched.has(r.module) && !known.has(`${r.module}/${r.name}`))
    if (newer.length > 0) {
      throw new Error(
        `the database is newer than this version: it has ${newer.map((r) => `${r.module}/${r.name}`).join(', ')}. Start the version that made it.`,
      )
    }
    const now: string[] = []
    for (const migration of wanted) {
      const id = `${migration.module}/${migration.name}`
      const before = applied.get(id)
      if (before === migration.checksum) continue
      if (before !== undefined) {
        throw new Error(`migration ${id} was changed after it was applied; add a new file instead`)
      }
      await client.query('begin')
      try {
        await client.query(migration.sql)
        await client.query(
          'insert into platform.migration (module, name, checksum) values ($1, $2, $3)',
          [migration.module, migration.name, migration.checksum],
        )
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw new Error(
          `migration ${id} failed: ${error instanceof Error ? error.message : error}`,
          {
            cause: error,
          },
        )
      }
      now.push(id)
    }
    return now
  } finally {
    await client.end()
  }
}
