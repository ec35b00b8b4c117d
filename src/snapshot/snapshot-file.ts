import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, rename } from 'node:fs/promises'
import path from 'node:path'
import type { Environment } from '#platform/config'
import type { SnapshotEntry } from './schema.ts'

export type SavedSnapshot = { revision: number; entries: SnapshotEntry[] }

type Header = { format: 1; environment: Environment; revision: number; sha256: string }

/**
 * The last good snapshot on a gateway's own disk: a header line with the hash of the rest, then one line an entry.
 * Written beside its place, forced to the disk and renamed, with the one before kept: a kill at any moment leaves a
 * good file.
 */
export async function saveSnapshot(
  file: string,
  environment: Environment,
  revision: number,
  entries: Iterable<SnapshotEntry>,
): Promise<void> {
  let body = ''
  for (const entry of entries) body += `${JSON.stringify(entry)}\n`
  const header: Header = {
    format: 1,
    environment,
    revision,
    sha256: createHash('sha256').update(body).digest('hex'),
  }
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.new`
  const handle = await open(temporary, 'w', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(header)}\n${body}`)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (existsSync(file)) await rename(file, `${file}.previous`)
  await rename(temporary, file)
  const folder = await open(path.dirname(file), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** The newest of the two files that is whole and of this environment; undefined when none is. */
export function loadSnapshot(file: string, environment: Environment): SavedSnapshot | undefined {
  return readWhole(file, environment) ?? readWhole(`${file}.previous`, environment)
}

function readWhole(file: string, environment: Environment): SavedSnapshot | undefined {
  if (!existsSync(file)) return undefined
  try {
    const text = readFileSync(file, 'utf8')
    const end = text.indexOf('\n')
    const header = JSON.parse(text.slice(0, end)) as Header
    const body = text.slice(end + 1)
    if (header.format !== 1 || header.environment !== environment) return undefined
    if (createHash('sha256').update(body).digest('hex') !== header.sha256) return undefined
    const entries = body
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as SnapshotEntry)
    return { revision: header.revision, entries }
  } catch {
    return undefined
  }
}
