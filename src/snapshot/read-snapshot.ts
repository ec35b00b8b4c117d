import { createHash } from 'node:crypto'
import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import type { Environment } from '#platform/config'
import { HeldEntries } from './held-entries.ts'
import type { SnapshotEntry, SnapshotKind } from './schema.ts'

export type SavedSnapshot = { revision: number; entries: HeldEntries }

/** One change as it is written down; `entry` is null when the thing is gone. */
export type Change = {
  revision: number
  kind: SnapshotKind
  id: string
  entry: SnapshotEntry | null
}

type Header = { format: 2; environment: Environment; revision: number; generation: string }
type ChangesHeader = { format: 2; generation: string; continues: boolean }
type Fault = { file: string; reason: string }
type State = { revision: number; generation: string; entries: HeldEntries }

/** The crc32 of the JSON in eight hex digits, and the JSON. */
export const changeLine = (value: Change | ChangesHeader): string => {
  const json = JSON.stringify(value)
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

/** The last line of the entries: it is there only when all of them are. */
export const summary = (count: number, sha256: string): string =>
  `${JSON.stringify({ count, sha256 })}\n`

/**
 * Reads the newest state: the entries with their changes; when the entries are damaged, those before with both files of
 * changes, which come to the same; and at the last those that were good for a minute.
 */
export function loadSaved(
  file: string,
  environment: Environment,
): { saved: SavedSnapshot | undefined; faults: Fault[] } {
  const faults: Fault[] = []
  const read = (name: string): State | undefined => readEntries(name, environment, faults)
  let state = read(file)
  if (state === undefined) {
    state = read(`${file}.previous`)
    if (state !== undefined) {
      const { generation } = state
      if (applyChanges(state, `${file}.previous.changes`, generation, faults))
        applyChanges(state, `${file}.changes`, 'next', faults)
      // A kill between two renames left them under their first name.
      else applyChanges(state, `${file}.changes`, generation, faults)
    } else state = read(`${file}.good`)
  } else applyChanges(state, `${file}.changes`, state.generation, faults)
  return { saved: state && { revision: state.revision, entries: state.entries }, faults }
}

function readEntries(file: string, environment: Environment, faults: Fault[]): State | undefined {
  if (!existsSync(file)) return undefined
  const hash = createHash('sha256')
  const entries = new HeldEntries()
  let header: Header | undefined
  let held: string | undefined
  try {
    for (const line of linesOf(file)) {
      // The last line is held back: it is the summary of those before.
      if (held !== undefined) {
        hash.update(`${held}\n`)
        if (header === undefined) header = JSON.parse(held) as Header
        else put(entries, JSON.parse(held) as SnapshotEntry)
      }
      held = line
    }
    const end = JSON.parse(held ?? '') as { sha256?: string }
    if (header === undefined || end.sha256 !== hash.digest('hex')) throw new Error('it is damaged')
  } catch (error) {
    faults.push({ file, reason: error instanceof Error ? error.message : String(error) })
    return undefined
  }
  // Another environment's file, or one of another version of this product, is none of ours.
  if (header.format !== 2 || header.environment !== environment) return undefined
  return { revision: header.revision, generation: header.generation, entries }
}

/**
 * Applies what is sound, up to the first line that is not.
 * @returns whether these were the changes of that state
 */
function applyChanges(
  state: State,
  file: string,
  generation: string | 'next',
  faults: Fault[],
): boolean {
  if (!existsSync(file)) return false
  let header: ChangesHeader | undefined
  try {
    for (const line of linesOf(file)) {
      const json = line.slice(9)
      if (line.slice(0, 8) !== crc32(json).toString(16).padStart(8, '0')) break
      if (header === undefined) {
        header = JSON.parse(json) as ChangesHeader
        const fits = generation === 'next' ? header.continues : header.generation === generation
        if (!fits) return false
        continue
      }
      const { revision, kind, id, entry } = JSON.parse(json) as Change
      if (entry === null) state.entries.delete(kind, id)
      else put(state.entries, entry)
      state.revision = Math.max(state.revision, revision)
    }
  } catch (error) {
    faults.push({ file, reason: error instanceof Error ? error.message : String(error) })
  }
  return header !== undefined
}

const put = (entries: HeldEntries, entry: SnapshotEntry): void =>
  entries.put(entry.kind, entry.id, entry)

/** The whole lines of a file, a part at a time; what follows the last line feed is not one. */
function* linesOf(file: string): Generator<string> {
  const fd = openSync(file, 'r')
  try {
    const part = Buffer.allocUnsafe(262_144)
    let rest = Buffer.alloc(0)
    for (;;) {
      const taken = readSync(fd, part)
      if (taken === 0) return
      const bytes = Buffer.concat([rest, part.subarray(0, taken)])
      let start = 0
      for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
        yield bytes.toString('utf8', start, end)
        start = end + 1
      }
      rest = Buffer.from(bytes.subarray(start))
    }
  } finally {
    closeSync(fd)
  }
}
