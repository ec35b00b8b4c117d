import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { copyFile, type FileHandle, mkdir, open, rename } from 'node:fs/promises'
import path from 'node:path'
import type { Environment } from '#platform/config'
import { randomText } from '#platform/ids'
import type { Log } from '#platform/log'
import { type Change, changeLine, loadSaved, type SavedSnapshot, summary } from './read-snapshot.ts'
import type { SnapshotEntry } from './schema.ts'

/** Read when it is written, a part at a time. */
type AllEntries = { values(): Iterable<SnapshotEntry> }

const goodAfterMs = 60_000
const entriesPerTurn = 500

/**
 * The last good snapshot on a gateway's own disk: all entries as they were at one moment, and beside them each change
 * since then, one checksummed line each, so that a change costs its own bytes and not those of fifty thousand entries.
 * When the changes outgrow the entries, all are written anew, a part at a time. The state before stays, and so does
 * one that this gateway served with for a minute. A kill at any moment, a torn line or a damaged file lose as little as
 * can be: what is sound is read.
 */
export class SnapshotFile {
  #file: string
  #environment: Environment
  #log: Log
  #baseBytes = 0
  #changes: FileHandle | undefined
  #changesBytes = 0
  #queue: Promise<void> = Promise.resolve()
  #good: NodeJS.Timeout | undefined
  #failed = false
  #leastBytes: number

  /** @param leastBytes changes up to this size are never outgrown */
  constructor(file: string, environment: Environment, log: Log, leastBytes = 1_048_576) {
    this.#leastBytes = leastBytes
    this.#file = file
    this.#environment = environment
    this.#log = log
  }

  /** The newest state that can be read; undefined when there is none of this environment. */
  load(): SavedSnapshot | undefined {
    const found = loadSaved(this.#file, this.#environment)
    for (const fault of found.faults) this.#log.error(fault, 'a snapshot file is damaged')
    return found.saved
  }

  /**
   * Writes everything anew. `entries` may change while it is read: changes that come meanwhile are written behind it.
   * @param continues whether these entries are the former ones with the former changes
   */
  replace(revision: number, entries: AllEntries, continues: boolean): void {
    this.#enqueue(async () => {
      await this.#writeBase(revision, entries, continues)
      this.#failed = false
    })
  }

  /** Writes changes down, in their order; `entries` is what to write anew when the changes have outgrown it. */
  append(changes: readonly Change[], revision: number, entries: AllEntries): void {
    this.#enqueue(async () => {
      if (this.#changes === undefined) {
        await this.#writeBase(revision, entries, false)
        return
      }
      const bytes = Buffer.from(changes.map(changeLine).join(''))
      await this.#changes.appendFile(bytes)
      await this.#changes.datasync()
      this.#changesBytes += bytes.length
      const outgrown = this.#changesBytes > Math.max(this.#leastBytes, this.#baseBytes)
      if (outgrown) await this.#writeBase(revision, entries, true)
    })
  }

  /** Resolves when everything is on the disk. */
  settled(): Promise<void> {
    return this.#queue
  }

  /** Ends the writing; what was asked for before is on the disk then. */
  async close(): Promise<void> {
    clearTimeout(this.#good)
    await this.#queue
    await this.#changes?.close()
    this.#changes = undefined
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch(async (error: unknown) => {
      // The next change writes everything anew: a gap in the changes would be a wrong state.
      await this.#changes?.close().catch(() => undefined)
      this.#changes = undefined
      if (!this.#failed) this.#log.error({ err: error }, 'the snapshot cannot be saved to the disk')
      this.#failed = true
    })
  }

  async #writeBase(revision: number, entries: AllEntries, continues: boolean): Promise<void> {
    const file = this.#file
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 })
    const generation = randomText(12)
    const header = { format: 2 as const, environment: this.#environment, revision, generation }
    const bytes = await writeEntries(`${file}.new`, header, entries)
    const changes = await open(`${file}.changes.new`, 'w', 0o600)
    await changes.appendFile(changeLine({ format: 2, generation, continues }))
    await changes.datasync()
    await this.#changes?.close()
    this.#changes = undefined
    if (existsSync(file)) await rename(file, `${file}.previous`)
    if (existsSync(`${file}.changes`)) await rename(`${file}.changes`, `${file}.previous.changes`)
    await rename(`${file}.new`, file)
    await rename(`${file}.changes.new`, `${file}.changes`)
    // A first one has none before it: a copy that the same changes continue.
    if (!existsSync(`${file}.previous`)) await copyFile(file, `${file}.previous`)
    await syncFolder(path.dirname(file))
    this.#changes = changes
    this.#changesBytes = 0
    this.#baseBytes = bytes
    this.#pinLater()
  }

  /** What was served with for a minute is kept until another one was: a bad publication cannot push it out. */
  #pinLater(): void {
    clearTimeout(this.#good)
    this.#good = setTimeout(() => {
      // By rename: a kill leaves the former one whole.
      this.#enqueue(async () => {
        await copyFile(this.#file, `${this.#file}.good.new`)
        await rename(`${this.#file}.good.new`, `${this.#file}.good`)
      })
    }, goodAfterMs).unref()
  }
}

/** @returns the bytes that were written */
async function writeEntries(file: string, header: object, entries: AllEntries): Promise<number> {
  const hash = createHash('sha256')
  const handle = await open(file, 'w', 0o600)
  let total = 0
  const write = async (text: string): Promise<void> => {
    hash.update(text)
    total += Buffer.byteLength(text)
    await handle.appendFile(text)
  }
  try {
    let text = `${JSON.stringify(header)}\n`
    let count = 0
    for (const entry of entries.values()) {
      text += `${JSON.stringify(entry)}\n`
      count += 1
      if (count % entriesPerTurn !== 0) continue
      await write(text)
      text = ''
      // Calls go on between the parts.
      await new Promise(setImmediate)
    }
    await write(text)
    await handle.appendFile(summary(count, hash.digest('hex')))
    await handle.sync()
  } finally {
    await handle.close()
  }
  return total
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
