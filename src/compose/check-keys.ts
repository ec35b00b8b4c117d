import { existsSync } from 'node:fs'
import type { Config } from '#platform/config'
import type { DatabasePool } from '#platform/database'
import { keyEncryptions } from '#platform/keys/key-encryptions'
import { type KeyTables, listDataKeys, readInstallation } from '#platform/keys/key-store'
import { masterKeyFile } from '#platform/keys/master-key-file'
import { openRow } from '#platform/keys/open-keys'
import type { Finding } from './finding.ts'

/** Which key wraps the keys of this installation, and whether it answers. Changes nothing. */
export async function checkKeys(
  config: Config,
  database: DatabasePool | undefined,
): Promise<Finding> {
  const file = masterKeyFile(config)
  const inFile = config.keys.place.kind === 'file' && config.secretKey === undefined
  if (inFile && !existsSync(file))
    return {
      ...{ level: 'note', what: `no master key in ${config.dataDir} yet` },
      how: 'the first npm start makes it',
    }
  try {
    const encryptions = keyEncryptions(config, { create: false })
    const kek = encryptions.primary()
    const where = inFile ? `${kek.id()} in ${file}` : kek.id()
    const copy = inFile ? ': keep a copy, nothing else opens what it sealed' : ''
    const rows = database === undefined ? [] : await ringOf(database)
    const root = rows.find(({ purpose }) => purpose === 'root')
    if (database === undefined || root === undefined) {
      const context = { installation: 'doctor', key: 'probe', purpose: 'seal' } as const
      const probe = Buffer.alloc(32, 1)
      if (!(await kek.unwrap(await kek.wrap(probe, context), context)).equals(probe))
        throw new Error(`${kek.id()} does not give back what it wrapped`)
      return { level: 'ok', what: `the key-encryption key ${where} answers${copy}` }
    }
    const { id } = await readInstallation(database.as<KeyTables>())
    await openRow(encryptions, id, root)
    return root.kek === kek.id()
      ? {
          level: 'ok',
          what: `the key-encryption key ${where} opens the keys of the database${copy}`,
        }
      : {
          ...{ level: 'mend', what: `the keys of the database are still wrapped by ${root.kek}` },
          how: `run \`./wayleave keys rewrap\` to wrap them with ${kek.id()}`,
        }
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    return { level: 'mend', what: `the keys cannot be opened: ${what}` }
  }
}

/** Nothing where the schema is older, or not there. */
async function ringOf(database: DatabasePool) {
  try {
    return await listDataKeys(database.as<KeyTables>())
  } catch {
    return []
  }
}
