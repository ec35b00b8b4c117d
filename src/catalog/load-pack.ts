import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { Actor } from '#audit'
import { lockFor } from '#platform/database'
import type { Platform } from '#platform/module'
import type { Checker } from './checker.ts'
import { type PublishResult, publishApi, tell } from './publish-api.ts'
import { readApiFolder } from './read-api-folder.ts'
import { digestsOf, findState, listOutdated, saveCompiled, wasPublished } from './store.ts'
import type { CatalogTables } from './tables.ts'

/** What came of one folder of the pack. @public */
export type PackResult = {
  folder: string
  result: PublishResult | { message: string } | { apiId: string; changed: false }
}

const loader: Actor = { kind: 'system', id: 'operator-pack' }

/**
 * Publishes every folder of the operator pack that has changed. A folder that is at fault is logged and left as it was;
 * the others are published all the same.
 */
export async function loadPack(
  platform: Platform,
  checker: Checker,
  folder: string,
): Promise<PackResult[]> {
  const results: PackResult[] = []
  for (const name of await subfolders(folder)) {
    const result = await loadFolder(platform, checker, path.join(folder, name))
    results.push({ folder: name, result })
    if ('message' in result)
      platform.log.error({ folder: name, reason: result.message }, 'not loaded')
    else if ('faults' in result) {
      const faults = result.faults.map(
        (f) => `${f.file}:${f.line}:${f.column} ${f.path} ${f.message}`,
      )
      platform.log.error({ folder: name, faults }, 'an API of the operator pack has faults')
    }
  }
  return results
}

async function subfolders(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    return names.map((entry) => entry.name).toSorted()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

async function loadFolder(
  platform: Platform,
  checker: Checker,
  folder: string,
): Promise<PackResult['result']> {
  const read = await readApiFolder(folder)
  if (!read.ok) return { message: read.message }
  const db = platform.database.as<CatalogTables>()
  // What an operator published since, over the management API, is not taken back by a restart.
  const known = await wasPublished(db, digestsOf(read.files))
  if (known !== undefined) return { apiId: known, changed: false }
  return await publishApi(platform, checker, read.files, loader)
}

/** Compiles again what an older compiler made. One that has become faulty stays as it is, and is logged. */
export async function recompileOutdated(platform: Platform, checker: Checker): Promise<string[]> {
  const db = platform.database.as<CatalogTables>()
  const done: string[] = []
  for (const row of await listOutdated(db)) {
    const checked = await checker.check(row)
    if (!checked.ok || checked.api.id !== row.id) {
      platform.log.warn({ apiId: row.id }, 'an API in the catalog no longer passes its check')
      continue
    }
    await db.transaction().execute(async (trx) => {
      await lockFor(trx, `catalog.api ${row.id}`)
      const now = await findState(trx, row.id)
      // Somebody published another text meanwhile: that is compiled already.
      if (now?.document_sha256 !== row.document_sha256) return
      if (now.product_sha256 !== row.product_sha256) return
      await saveCompiled(trx, row.id, checked)
      await tell(platform, trx, row.id)
    })
    done.push(row.id)
  }
  return done
}
